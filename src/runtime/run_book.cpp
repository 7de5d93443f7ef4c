#include "runtime/run_book.hpp"

#include "base/log.hpp"
#include "base/safe_text.hpp"
#include "store/disk.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace sluice::runtime {
namespace {

namespace fs = std::filesystem;

// A commit says of a stage's parts only what may be asked again: the ids of inputs that are open.
std::map<std::uint64_t, IdSet> open_ids(std::vector<ClosedPart>& closed,
                                        const store::SplitSet& done) {
  std::map<std::uint64_t, IdSet> written;
  for (auto& [part, ids] : closed) {
    ids.drop(done);
    if (!ids.empty()) written[part.stage].add(ids);
  }
  return written;
}

}  // namespace

RunBook::RunBook(const ErasedSpec& spec, std::string input, std::uint64_t inputs)
    : spec_(spec), folders_{spec.options.run_dir} {
  store::make_folder(spec.options.run_dir);
  auto lines = pipeline_lines(std::move(input));
  if (spec.options.resume) {
    go_on(lines);
  } else {
    start_afresh(std::move(lines), inputs);
  }
  if (journal_) journal_->append(attempt_entry(++state_.attempts));
}

store::SplitSet RunBook::settled() const {
  auto all = state_.done;
  all.add(state_.dead);
  return all;
}

IdSet RunBook::written(std::uint64_t stage) const {
  const auto it = state_.written.find(stage);
  if (it == state_.written.end()) return {};
  auto ids = it->second;
  ids.sort();
  return ids;
}

std::string RunBook::part_prefix(std::uint64_t stage) const {
  return fmt::format("s{}-a{}", stage + 1, state_.attempts);
}

void RunBook::commit(Settled settled) {
  if (settled.empty() && closed_.empty()) return;
  auto done = state_.done;
  done.add(settled.done);
  Commit commit{std::move(settled), {}, open_ids(closed_, done)};
  for (auto& closed : closed_) commit.parts.push_back(std::move(closed.part));
  closed_.clear();
  journal_->append(commit_entry(commit));
  state_.add(std::move(commit));
}

void RunBook::finish() {
  const bool keep = !state_.dead.empty();  // a retry adds to the parts
  if (!state_.finished) make_outputs(keep);
  // One that was killed before it got here left them.
  if (!keep) store::remove_folder(folders_.run_dir / ".sluice");
}

void RunBook::make_outputs(bool keep) {
  if (state_.outputs.empty()) {
    state_.outputs = plan_outputs(spec_.stages, state_.parts, folders_);
    journal_->append(outputs_entry(state_.outputs));
  }
  for (const auto& output : state_.outputs) make_output(output, spec_.stages, folders_, keep);
  remove_replaced();
  journal_->append(finish_entry());
}

// What was one file may have become several that are numbered.
void RunBook::remove_replaced() const {
  std::error_code ignored;
  for (const auto& old : state_.replaced) {
    const bool stays = std::any_of(state_.outputs.begin(), state_.outputs.end(),
                                   [&](const Output& o) { return o.target == old.target; });
    if (!stays) fs::remove(folders_.run_dir / old.target, ignored);
  }
}

fs::path RunBook::journal_path() const { return folders_.run_dir / "journal"; }

std::vector<std::string> RunBook::pipeline_lines(std::string input) const {
  std::vector<std::string> lines{std::move(input)};
  for (std::size_t k = 0; k < spec_.stages.size(); ++k) {
    lines.push_back(fmt::format("stage {}: {}: {}", k + 1, spec_.stages[k].spec.name,
                                spec_.stages[k].description));
  }
  return lines;
}

void RunBook::start_afresh(std::vector<std::string> lines, std::uint64_t inputs) {
  if (!spec_.options.fresh) refuse_unfinished(lines);
  state_ = {};
  state_.pipeline = std::move(lines);
  state_.inputs = inputs;
  store::remove_folder(folders_.all());
  journal_.emplace(journal_path());
  journal_->append(opening_entry(state_.pipeline, inputs));
}

void RunBook::go_on(const std::vector<std::string>& lines) {
  const auto text = store::Journal::read(journal_path());
  if (text.entries.empty()) {
    throw InputError(
        fmt::format("'{}' holds no run to go on with: there is no journal, or nothing "
                    "can be read of it",
                    folders_.run_dir.string()));
  }
  if (text.damaged) {
    run_log().warn(
        "{} bytes of the journal '{}' are damaged or follow damage; what they say was "
        "done is done again",
        text.dropped, journal_path().string());
  }
  state_ = replay(text.entries);
  if (!spec_.options.force || state_.pipeline.front() != lines.front()) require_same(lines);
  const bool reopens = spec_.options.retry && !state_.dead.empty();
  if (state_.finished && !reopens) return;
  journal_.emplace(journal_path(), text.bytes);
  if (reopens) {
    journal_->append(reopening_entry());
    state_.reopen();
  }
  remove_stray_parts();
}

void RunBook::refuse_unfinished(const std::vector<std::string>& lines) const {
  const auto text = store::Journal::read(journal_path());
  if (text.entries.empty()) return;
  RunState found;
  try {
    found = replay(text.entries);
  } catch (const InputError&) {
    return;  // of another version: nothing can be gone on with
  }
  if (found.finished || found.settled() == 0 || found.pipeline != lines) return;
  throw UsageError(
      fmt::format("'{0}' holds this run, unfinished, with {1} of {2} inputs done; go on with it "
                  "({3}), or start "
                  "anew (--fresh)",
                  folders_.run_dir.string(), found.settled(), found.inputs,
                  command_hint("sluice resume", folders_.run_dir.string())));
}

void RunBook::require_same(const std::vector<std::string>& lines) const {
  const auto& known = state_.pipeline;
  if (known == lines) return;
  const auto [was, is] = std::mismatch(known.begin(), known.end(), lines.begin(), lines.end());
  const std::string nothing = "(nothing)";
  const bool forcible = was != known.begin() && known.front() == lines.front();
  throw UsageError(fmt::format(
      "the run in '{}' cannot be gone on with, because it has changed: it had '{}', and now there "
      "is '{}'. Put that back, or start anew (--fresh){}",
      folders_.run_dir.string(), was == known.end() ? nothing : *was,
      is == lines.end() ? nothing : *is,
      forcible ? ", or mix the outputs of both (resume --force)" : ""));
}

// Parts that no commit names are of inputs that will come again.
void RunBook::remove_stray_parts() const {
  std::set<std::string> known;
  for (const auto& part : state_.parts) known.insert(part.folder);
  std::error_code error;
  std::vector<fs::path> stray;
  for (fs::directory_iterator entry(folders_.all(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (!known.contains(entry->path().filename().string())) stray.push_back(entry->path());
  }
  for (const auto& folder : stray) store::remove_folder(folder);
}

}  // namespace sluice::runtime
