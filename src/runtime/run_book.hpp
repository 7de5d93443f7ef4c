#pragma once

#include "runtime/part_outputs.hpp"
#include "runtime/run_journal.hpp"
#include "store/journal.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::runtime {

/// The coordinator's account of a streaming run that can be resumed: what of it is safe, and where.
/// The rules of exactly-once output are here (docs/resume.md).
class RunBook {
 public:
  /// Opens the run directory for what the spec's options ask: a run from the start, or what is left
  /// of one. `input` is a line that says what the input is. Throws UsageError if another run is
  /// there, InputError and IoError.
  RunBook(const ErasedSpec& spec, std::string input, std::uint64_t inputs);

  /// Inputs that need not be looked at again.
  store::SplitSet settled() const;
  const store::SplitSet& dead() const { return state_.dead; }
  /// What is in the parts of a stage of inputs that are not done.
  IdSet written(std::uint64_t stage) const;
  /// How the stage's parts begin; no two attempts at the run have the same.
  std::string part_prefix(std::uint64_t stage) const;

  /// A part that the next commit names.
  void add(ClosedPart part) { closed_.push_back(std::move(part)); }
  /// From here on these inputs are settled, whatever happens.
  void commit(Settled settled);
  /// Everything is committed: the outputs take their places, and the run is over.
  void finish();

 private:
  std::filesystem::path journal_path() const;
  std::vector<std::string> pipeline_lines(std::string input) const;
  void start_afresh(std::vector<std::string> lines, std::uint64_t inputs);
  void go_on(const std::vector<std::string>& lines);
  void refuse_unfinished(const std::vector<std::string>& lines) const;
  void require_same(const std::vector<std::string>& lines) const;
  void make_outputs(bool keep_parts);
  void remove_stray_parts() const;
  void remove_replaced() const;

  const ErasedSpec& spec_;
  PartFolders folders_;
  RunState state_;
  std::optional<store::Journal> journal_;  ///< unless the run is finished
  std::vector<ClosedPart> closed_;
};

}  // namespace sluice::runtime
