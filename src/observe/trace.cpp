#include "observe/trace.hpp"

#include "observe/history.hpp"
#include "observe/trace_clocks.hpp"
#include "observe/trace_events.hpp"
#include "store/trace_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::observe {
namespace {

using store::TraceBatch;
using store::TraceEntry;
using store::TraceGap;
using store::TraceHead;
using store::TraceSend;
using store::TraceSpan;
using Track = TraceEvents::Track;

/// An input batch of a stage. No two have the same.
struct BatchName {
  std::uint64_t attempt = 0;
  std::uint64_t epoch = 0;
  std::uint64_t stage = 0;
  std::uint64_t batch = 0;

  bool operator==(const BatchName&) const = default;
};

struct HashName {
  std::size_t operator()(const BatchName& name) const {
    std::size_t hash = name.batch;
    for (const std::uint64_t part : {name.attempt, name.epoch, name.stage}) {
      hash = hash * 0x9e3779b97f4a7c15U + std::hash<std::uint64_t>()(part);
    }
    return hash;
  }
};

/// Where and when a batch was processed, by the node's clock.
struct Taken {
  TraceClocks::Node node;
  Track track;
  double begin = 0;
};

/// More batches than a worker has outputs of; in batch mode none leave.
constexpr std::size_t most_made = 10'000;

/// A batch that was processed and has outputs.
struct Made {
  BatchName batch;
  Track track;
  TraceEvents::Extent extent;
};

TraceClocks::Node node_of(const TraceHead& head) { return {head.attempt, head.node}; }

// A run without history is shown without.
std::vector<Moment> moments_of(const std::filesystem::path& run_dir) {
  try {
    return read_history(run_dir);
  } catch (const InputError&) {
    return {};
  }
}

// Of the batch that follows these records.
BatchName name_of(const TraceHead& head, const TraceSend& send) {
  return {head.attempt, send.epoch, send.stage + 1, send.batch};
}

/// The files of a trace, read several times: for where and when the ranks began, for how long
/// records were under way, for the spans, and for the arrows between them. What is in memory are
/// names of batches, and of a long trace only some of them at a time.
class Merge {
 public:
  Merge(const std::filesystem::path& run_dir, std::ostream& out, std::size_t most_names)
      : run_dir_(run_dir),
        files_(store::trace_files(run_dir)),
        most_names_(most_names),
        events_(out) {}

  void run() {
    each_entry([this](const auto& head, const auto& entry) { note(head, entry); });
    parts_ = 1 + batches_ / most_names_;
    if (begins_.size() > 1) {
      each_part([this](const auto& head, const auto& entry) { note_passage(head, entry); });
    }
    clocks_.settle();
    for (const auto& [node, clock] : begins_) start_ = std::min(start_, clocks_.time(node, clock));
    each_entry([this](const auto& head, const auto& entry) { write(head, entry); },
               [this](const auto& head) { write_end(head); });
    each_part([this](const auto& head, const auto& entry) { connect(head, entry); });
    write_history();
    events_.end(note_on_clocks());
  }

 private:
  using Take = std::function<void(const TraceHead&, const TraceEntry&)>;

  void each_entry(const Take& take,
                  const std::function<void(const TraceHead&)>& end = nullptr) const {
    for (const auto& file : files_) {
      std::optional<TraceHead> head;
      store::read_trace(file, [&](const TraceEntry& entry) {
        if (const auto* first = std::get_if<TraceHead>(&entry)) head = *first;
        if (head) take(*head, entry);
      });
      if (head && end) end(*head);
    }
  }

  // All of them as often as there are parts, each time with other names in `taken_`.
  void each_part(const Take& take) {
    for (std::uint64_t part = 0; part < parts_; ++part) {
      if (part_ != part) {
        taken_.clear();
        part_ = part;
        each_entry([this](const auto& head, const auto& entry) { note_taken(head, entry); });
      }
      each_entry(take);
    }
  }

  void note(const TraceHead& head, const TraceEntry& entry) {
    if (std::holds_alternative<TraceBatch>(entry)) ++batches_;
    if (!std::holds_alternative<TraceHead>(entry)) return;
    const auto [it, first] = begins_.try_emplace(node_of(head), head.clock);
    it->second = std::min(it->second, head.clock);
    clocks_.note(node_of(head), head.clock, head.wall);
  }

  void note_taken(const TraceHead& head, const TraceEntry& entry) {
    const auto* batch = std::get_if<TraceBatch>(&entry);
    if (batch == nullptr || batch->batch % parts_ != part_) return;
    const auto& span = batch->span;
    taken_.try_emplace({head.attempt, batch->epoch, span.stage, batch->batch},
                       Taken{node_of(head), {head.rank, span.stage, batch->lane}, span.begin});
  }

  void note_passage(const TraceHead& head, const TraceEntry& entry) {
    const auto* send = std::get_if<TraceSend>(&entry);
    if (send == nullptr) return;
    const auto found = taken_.find(name_of(head, *send));
    if (found == taken_.end()) return;
    clocks_.note_passage(node_of(head), send->at, found->second.node, found->second.begin);
  }

  void connect(const TraceHead& head, const TraceEntry& entry) {
    if (std::holds_alternative<TraceHead>(entry)) made_.clear();
    if (const auto* batch = std::get_if<TraceBatch>(&entry)) note_made(head, *batch);
    if (const auto* send = std::get_if<TraceSend>(&entry)) connect(head, *send);
  }

  void note_made(const TraceHead& head, const TraceBatch& batch) {
    const auto& span = batch.span;
    if (batch.out == 0 || span.stage + 1 >= head.stages.size()) return;
    made_.push_back({{head.attempt, batch.epoch, span.stage, batch.batch},
                     {head.rank, span.stage, batch.lane},
                     extent(head, span)});
    if (made_.size() > most_made) made_.pop_front();
  }

  // Outputs leave in the order in which batches were finished.
  void connect(const TraceHead& head, const TraceSend& send) {
    const BatchName maker{head.attempt, send.epoch, send.stage, send.made_by};
    const auto made = std::find_if(made_.begin(), made_.end(),
                                   [&](const auto& each) { return each.batch == maker; });
    if (made == made_.end()) return;
    made_.erase(made_.begin(), made);
    const auto found = taken_.find(name_of(head, send));
    if (found == taken_.end()) return;
    const auto& [node, track, begin] = found->second;
    events_.flow(made_.front().track, made_.front().extent, track, nanoseconds(node, begin));
  }

  void write(const TraceHead& head, const TraceEntry& entry) {
    std::visit([&](const auto& each) { write_one(head, each); }, entry);
  }

  void write_one(const TraceHead& head, const TraceHead&) {
    ended_ = false;
    latest_ = nanoseconds(node_of(head), head.clock);
    events_.name_rank(head.rank, fmt::format("rank {} on {}", head.rank, head.host));
  }

  void write_one(const TraceHead& head, const TraceSpan& span) {
    events_.wait_or_setup(track(head, span.stage), extent(head, span), span.state);
  }

  void write_one(const TraceHead& head, const TraceBatch& batch) {
    events_.batch(track(head, batch.span.stage, batch.lane), extent(head, batch.span),
                  stage_name(head, batch.span.stage), batch);
  }

  void write_one(const TraceHead&, const TraceSend&) {}

  void write_one(const TraceHead& head, const TraceGap& gap) {
    events_.moment(head.rank, latest_, fmt::format("{} events were left out", gap.entries));
  }

  void write_one(const TraceHead&, const store::TraceEnd&) { ended_ = true; }

  void write_end(const TraceHead& head) {
    if (ended_) return;
    events_.moment(head.rank, latest_,
                   "nothing more is known: the rank died, its disk was full, or it goes on");
  }

  // What the coordinator saw, once a second.
  void write_history() {
    events_.name_rank(0, "the run");
    for (const auto& moment : moments_of(run_dir_)) {
      const auto at = since_start(moment.time);
      if (at < 0) continue;
      const auto& stages = moment.status.stages;
      events_.count(at, "inputs done", static_cast<double>(moment.status.done));
      for (std::size_t k = 0; k + 1 < stages.size(); ++k) {
        const auto waiting = static_cast<double>(stages[k].records_out) -
                             static_cast<double>(stages[k + 1].records_in);
        events_.count(at, "records before " + stages[k + 1].name, std::max(0.0, waiting));
      }
    }
  }

  std::string note_on_clocks() const {
    if (begins_.size() == 1) return "one node, one clock";
    if (nodes() == 1) return "one node, by its wall clock from attempt to attempt";
    return fmt::format(
        "by the nodes' wall clocks, in each attempt at the run; some were put forward, by {:.6f} s "
        "at "
        "most, where records would have come before they were sent",
        clocks_.correction());
  }

  std::size_t nodes() const {
    std::set<std::int32_t> found;
    for (const auto& [node, clock] : begins_) found.insert(node.second);
    return found.size();
  }

  std::int64_t since_start(double time) const { return std::llround(1e9 * (time - start_)); }
  std::int64_t nanoseconds(TraceClocks::Node node, double clock) const {
    return std::max<std::int64_t>(0, since_start(clocks_.time(node, clock)));
  }

  Track track(const TraceHead& head, std::uint32_t stage, std::uint64_t lane = 0) {
    const Track track{head.rank, stage, lane};
    if (named_.insert(track).second) events_.name_stage(track, stage_name(head, stage));
    return track;
  }

  TraceEvents::Extent extent(const TraceHead& head, const TraceSpan& span) {
    latest_ = nanoseconds(node_of(head), span.end);
    return {nanoseconds(node_of(head), span.begin), latest_};
  }

  static std::string stage_name(const TraceHead& head, std::uint32_t stage) {
    return stage < head.stages.size() ? head.stages[stage] : fmt::format("stage {}", stage);
  }

  const std::filesystem::path run_dir_;
  const std::vector<std::filesystem::path> files_;
  const std::size_t most_names_;
  TraceEvents events_;
  TraceClocks clocks_;
  std::map<TraceClocks::Node, double> begins_;         ///< of the first rank of each, by its clock
  double start_ = std::numeric_limits<double>::max();  ///< seconds since 1970
  std::uint64_t batches_ = 0;
  std::uint64_t parts_ = 1;            ///< in which names are kept, by the batches' numbers
  std::optional<std::uint64_t> part_;  ///< that `taken_` has
  std::unordered_map<BatchName, Taken, HashName> taken_;
  std::set<Track> named_;
  // Of the file that is being read.
  std::deque<Made> made_;  ///< whose outputs may not have left
  std::int64_t latest_ = 0;
  bool ended_ = false;
};

}  // namespace

void write_trace(const std::filesystem::path& run_dir, std::ostream& out, std::size_t most_names) {
  if (store::trace_files(run_dir).empty()) {
    throw InputError(
        fmt::format("'{}' has no trace: it is written by a run that was started with --trace",
                    run_dir.string()));
  }
  Merge(run_dir, out, most_names).run();
}

}  // namespace sluice::observe
