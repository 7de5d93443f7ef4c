#pragma once

#include "store/dead_letters.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace sluice::runtime {

/// The coordinator's account of the records that were given up (docs/failures.md): they are written
/// down before the run counts them as done, and when they are too many the run stops.
class DeadLetterBook {
 public:
  /// Of a run of so many inputs; the file is in `folder`. Both outlive the book's use of `spec`.
  DeadLetterBook(const ErasedSpec& spec, std::uint64_t inputs, const std::filesystem::path& folder);

  /// Of what an earlier run left, these letters alone are this run's too.
  void keep_only(const std::function<bool(const store::DeadLetter&)>& keep) {
    letters_.keep_only(keep);
  }
  void start_afresh() {
    keep_only([](const store::DeadLetter&) { return false; });
  }

  /// They are on disk afterwards. Throws Error with ExitCode::stage if too many inputs have dead
  /// letters now, and IoError.
  void add(std::vector<store::DeadLetter> letters);

  const store::DeadLetters& letters() const noexcept { return letters_; }

 private:
  void stop_if_too_many(const store::DeadLetter& last) const;

  const ErasedSpec& spec_;
  std::uint64_t inputs_;
  store::DeadLetters letters_;
};

}  // namespace sluice::runtime
