#include "runtime/batch_book.hpp"

#include "runtime/staged_outputs.hpp"
#include "store/disk.hpp"
#include "store/object_files.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace sluice::runtime {
namespace {

// Says that a run is under way or was broken off, and which.
constexpr const char* run_folder = "run";
constexpr const char* replay_prefix = "replay/";

// What sluice keeps in the run directory for a while.
std::filesystem::path own_folder(const RunOptions& options) { return options.run_dir / ".sluice"; }

constexpr std::uint64_t read_records = 1024;
constexpr std::uint64_t read_bytes = 8 << 20;
constexpr std::size_t tidied_at_once = 16;

}  // namespace

store::IntermediateStore open_intermediates(const RunOptions& options) {
  const auto& batch = options.batch;
  const auto uri = batch.store.empty() ? (options.run_dir / "intermediates").string() : batch.store;
  // Not in the temporary folder of the machine: that is memory on many.
  return store::IntermediateStore(
      store::open_file_store(uri, own_folder(options) / "scratch"),
      batch.compress ? store::Compression::zstd : store::Compression::none);
}

std::string stage_folder(std::size_t stage, const std::string& name, bool replay) {
  auto folder = fmt::format("{}-{}", stage + 1, name);
  std::replace_if(
      folder.begin(), folder.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_' && c != '.'; },
      '_');
  return (replay ? replay_prefix : "") + folder;
}

BatchBook::BatchBook(const ErasedSpec& spec, std::string input)
    : spec_(spec),
      options_(spec.options.batch),
      input_(std::move(input)),
      store_(open_intermediates(spec.options)),
      end_(spec.stages.size()) {
  if (!options_.only.empty()) {
    replay(stage_named(options_.only));
  } else if (!options_.from.empty()) {
    start_from(stage_named(options_.from));
  } else if (spec_.options.resume) {
    go_on();
  } else {
    start_afresh();
  }
  attempt_ = claim_ ? claim_->attempt() : store::new_owner().token;
  store::remove_folder(own_folder(spec.options) / "scratch");
}

std::string BatchBook::folder(std::size_t stage) const {
  return stage_folder(stage, spec_.stages[stage].spec.name, replay_);
}

std::string BatchBook::input_folder(std::size_t stage) const {
  return stage == 0 ? "" : stage_folder(stage - 1, spec_.stages[stage - 1].spec.name);
}

store::PipelineText BatchBook::text(std::size_t stage) const {
  store::PipelineText text{{input_}};
  for (std::size_t k = 0; k <= stage; ++k) {
    text.lines.push_back(fmt::format("stage {}: {}: {}", k + 1, spec_.stages[k].spec.name,
                                     spec_.stages[k].description));
  }
  return text;
}

void BatchBook::start_afresh() {
  if (!spec_.options.fresh) refuse_unfinished();
  claim_ = store_.claim();
  for (std::size_t k = 0; k < end_; ++k) store_.remove_stage(folder(k));
  store_.publish_manifest({run_folder, text(end_ - 1), {}});
}

void BatchBook::start_from(std::size_t stage) {
  require_input_of(stage);
  claim_ = store_.claim();
  for (auto k = end_; k-- > stage;) store_.remove_stage(folder(k));
  store_.publish_manifest({run_folder, text(end_ - 1), {}});
  first_ = stage;
}

void BatchBook::replay(std::size_t stage) {
  require_input_of(stage);
  replay_ = true;
  store_.remove_stage(folder(stage));
  first_ = stage;
  end_ = stage + 1;
}

// What a crash may have left undone after a commit is done again: it changes nothing a second time.
void BatchBook::go_on() {
  store_.read_manifest(run_folder, text(end_ - 1));  // refuses another pipeline's
  claim_ = store_.claim();
  if (const auto committed = last_committed()) {
    promote(*committed);
    first_ = *committed + 1;
  }
  for (std::size_t k = 0; k + 1 < first_ && !options_.keep_intermediates; ++k) {
    store_.remove_stage(folder(k));
  }
  for (auto k = first_ + 1; k < end_; ++k) store_.remove_stage(folder(k));
  if (first_ < end_) store_.publish_manifest({run_folder, text(end_ - 1), {}});
}

// A stage of which someone removed a damaged shard is unfinished again.
std::optional<std::size_t> BatchBook::last_committed() {
  for (auto k = end_; k-- > 0;) {
    const auto found = store_.read_manifest(folder(k), text(k));
    if (!found) continue;
    if (store_.is_whole(*found)) return k;
    store_.remove_manifest(folder(k));
  }
  return std::nullopt;
}

std::size_t BatchBook::stage_named(const std::string& name) const {
  std::string names;
  for (std::size_t k = 0; k < spec_.stages.size(); ++k) {
    if (spec_.stages[k].spec.name == name) return k;
    names += fmt::format("{}'{}'", k == 0 ? "" : ", ", spec_.stages[k].spec.name);
  }
  throw UsageError(
      fmt::format("there is no stage '{}' to run again; the stages are {}", name, names));
}

void BatchBook::refuse_unfinished() {
  if (!store_.read_manifest(run_folder, text(end_ - 1))) return;
  const auto owner = store_.claimant();
  throw UsageError(fmt::format(
      "the store in '{}' holds this run, unfinished (last: {}); if that one has ended, go on with "
      "it "
      "(sluice resume, or RunOptions::resume), or start anew (--fresh)",
      options_.store.empty() ? (spec_.options.run_dir / "intermediates").string() : options_.store,
      owner ? shown(*owner) : "nobody knows which"));
}

void BatchBook::require_input_of(std::size_t stage) {
  if (stage == 0) return;
  const auto& before = spec_.stages[stage - 1].spec.name;
  const auto found = store_.read_manifest(input_folder(stage), text(stage - 1));
  if (found && store_.is_whole(*found)) return;
  throw UsageError(
      fmt::format("stage '{}' cannot be run again by itself: what stage '{}' made is not there any "
                  "more; run the job with pipeline.keep_intermediates = true",
                  spec_.stages[stage].spec.name, before));
}

InputPieces BatchBook::input_of(std::size_t stage) {
  auto manifest = store_.read_manifest(input_folder(stage), text(stage - 1));
  if (!manifest) throw InvariantError("a stage begins before the one before it is committed");
  InputPieces input;
  input.shards = std::move(manifest->shards);
  for (const auto& shard : input.shards) {
    input.firsts.push_back(input.records);
    input.records += shard.records;
    input.bytes += shard.bytes;
  }
  return input;
}

std::vector<store::ShardInfo> BatchBook::begin(std::size_t stage) {
  store::remove_folder(staging(stage));
  if (spec_.stages[stage].spec.writes_at_teardown) {
    store_.remove_stage(folder(stage));
    return {};
  }
  store_.remove_drafts(folder(stage));
  return store_.published(folder(stage), text(stage));
}

void BatchBook::commit(std::size_t stage, std::vector<store::ShardInfo> shards) {
  // In the order of their input, so that neighbours stay neighbours.
  std::sort(shards.begin(), shards.end(), [](const auto& a, const auto& b) {
    const auto first = [](const auto& shard) {
      return shard.splits.empty() ? 0 : shard.splits.ranges().front().first;
    };
    return std::pair(first(a), a.name) < std::pair(first(b), b.name);
  });
  require_claim();
  store_.publish_manifest({folder(stage), text(stage), std::move(shards)});
  promote(stage);
  if (stage == 0 || replay_ || options_.keep_intermediates) return;
  while (tidy()) continue;
  untidy_ = folder(stage - 1);
  store_.remove_manifest(untidy_);
  to_tidy_ = store_.files_of(untidy_);
}

bool BatchBook::tidy() {
  if (untidy_.empty()) return false;
  const auto rest = to_tidy_.size() - std::min(to_tidy_.size(), tidied_at_once);
  store_.remove_files(untidy_,
                      {to_tidy_.begin() + static_cast<std::ptrdiff_t>(rest), to_tidy_.end()});
  to_tidy_.resize(rest);
  if (!to_tidy_.empty()) return true;
  require_claim();  // for another run may be making the stage's records anew
  store_.remove_stage(std::exchange(untidy_, {}));
  return false;
}

void BatchBook::finish() {
  require_claim();
  while (tidy()) continue;
  store::remove_folder(own_folder(spec_.options));
  if (!replay_) store_.remove_stage(run_folder);
}

void BatchBook::require_claim() const {
  if (claim_) claim_->check();
}

void BatchBook::read(std::size_t stage, const std::function<void(const EncodedBatch&)>& take) {
  const auto manifest = store_.read_manifest(folder(stage), text(stage));
  if (!manifest) throw InvariantError("the outputs of a stage are read before it is committed");
  for (const auto& info : manifest->shards) {
    const auto shard = store_.open_shard(folder(stage), info);
    auto& reader = shard->reader();
    for (std::uint64_t at = 0; at < reader.size();) {
      const auto batch = reader.read(at, read_records, read_bytes);
      at += batch.size();
      take(batch);
    }
  }
}

// A stage that writes at teardown writes into a folder of its own; what is there moves into the run
// directory once the stage is committed.
std::filesystem::path BatchBook::run_dir(std::size_t stage) const {
  return spec_.stages[stage].spec.writes_at_teardown ? staging(stage) : home();
}

std::filesystem::path BatchBook::home() const {
  return replay_ ? spec_.options.run_dir / "replay" : spec_.options.run_dir;
}

bool BatchBook::is_finished(const std::string& stage) const {
  const auto end = spec_.stages.begin() + static_cast<std::ptrdiff_t>(replay_ ? 0 : first_);
  return std::any_of(spec_.stages.begin(), end,
                     [&](const auto& finished) { return finished.spec.name == stage; });
}

std::filesystem::path BatchBook::staging(std::size_t stage) const {
  return own_folder(spec_.options) / "staging" / folder(stage);
}

void BatchBook::promote(std::size_t stage) { move_files(staging(stage), home()); }

}  // namespace sluice::runtime
