#pragma once

#include "control/batch_types.hpp"
#include "store/intermediate_store.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::runtime {

/// Where a stage's input lies: in the shards of the stage before.
struct InputPieces {
  std::vector<store::ShardInfo> shards;
  std::vector<std::uint64_t> firsts;  ///< the place of each shard's first record in the input
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// The coordinator's account of a batch run: what of it is in the store, where it goes on, and what
/// is committed. The rules of restarts are here (docs/batch-mode.md).
class BatchBook {
 public:
  /// Opens the store, and makes it ready for what the spec's options ask: a run from the start, or
  /// what is left of one. `input` is a line that says what the input is. Throws UsageError if the
  /// store holds something else, InputError and IoError.
  BatchBook(const ErasedSpec& spec, std::string input);

  /// The stages that are to be run: from `first` on, those before `end`.
  std::size_t first() const noexcept { return first_; }
  std::size_t end() const noexcept { return end_; }
  /// Of the run, part of the names of its shards.
  const std::string& attempt() const noexcept { return attempt_; }

  /// The stage's folder in the store; where the stage's records come from.
  std::string folder(std::size_t stage) const;
  std::string input_folder(std::size_t stage) const;
  store::PipelineText text(std::size_t stage) const;
  /// Where the stage's relative output paths belong.
  std::filesystem::path run_dir(std::size_t stage) const;
  /// Where what this run makes belongs.
  std::filesystem::path home() const;

  /// Of a stage after the first; the one before it is committed.
  InputPieces input_of(std::size_t stage);
  /// What was published of the stage before this run, which it need not do again.
  std::vector<store::ShardInfo> begin(std::size_t stage);
  /// What was given up in it.
  std::vector<store::DeadLetter> dead_letters(std::size_t stage,
                                              const std::vector<store::ShardInfo>& published) {
    return store_.dead_letters(folder(stage), published);
  }
  /// Whether the stage was finished before this run: its dead letters stand.
  bool is_finished(const std::string& stage) const;
  void commit(std::size_t stage, std::vector<store::ShardInfo> shards);
  /// Removes some more of what the stages before made; false if nothing is left. To be called
  /// between other things: it takes some milliseconds.
  bool tidy();
  /// Nothing of the run is left to do.
  void finish();

  /// The records of a committed stage, in batches.
  void read(std::size_t stage, const std::function<void(const EncodedBatch&)>& take);

 private:
  void start_afresh();
  void start_from(std::size_t stage);
  void replay(std::size_t stage);
  void go_on();
  std::optional<std::size_t> last_committed();
  std::size_t stage_named(const std::string& name) const;
  void refuse_unfinished();
  void require_input_of(std::size_t stage);
  std::filesystem::path staging(std::size_t stage) const;
  void promote(std::size_t stage);
  void require_claim() const;

  const ErasedSpec& spec_;
  const BatchOptions& options_;
  std::string input_;
  store::IntermediateStore store_;
  std::size_t first_ = 0;
  std::size_t end_;
  std::optional<store::StoreClaim> claim_;  ///< none for a replay, which changes nothing
  std::string attempt_;
  bool replay_ = false;  ///< beside the run

  std::string untidy_;                ///< folder of a stage whose records nobody needs any more
  std::vector<std::string> to_tidy_;  ///< files there
};

/// The place of the run's intermediates, on whatever rank.
store::IntermediateStore open_intermediates(const RunOptions& options);

/// The stage's folder in the store of a run; `replay`: when it was run beside it.
std::string stage_folder(std::size_t stage, const std::string& name, bool replay = false);

}  // namespace sluice::runtime
