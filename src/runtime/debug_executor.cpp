#include "runtime/debug_executor.hpp"

#include "base/clock.hpp"
#include "base/remarks.hpp"
#include "runtime/artifacts.hpp"
#include "runtime/dead_letter_book.hpp"
#include "runtime/hang.hpp"
#include "runtime/input_feed.hpp"
#include "runtime/slow_batches.hpp"
#include "runtime/spec.hpp"
#include "runtime/stage_runner.hpp"
#include "runtime/stop_signals.hpp"
#include "store/node_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

namespace sluice::runtime {
namespace {

class DebugRun {
 public:
  explicit DebugRun(const ErasedSpec& spec) : spec_(spec) {}

  RunStatus run() {
    InputFeed input(spec_);
    status_.pipeline = spec_.name;
    status_.inputs = input.size();
    status_.channels.resize(spec_.stages.size());
    dead_letters_.emplace(spec_, input.size(), spec_.options.run_dir);
    dead_letters_->start_afresh();
    place_artifacts_here(spec_);
    for (const auto& stage : spec_.stages) set_up(stage);
    const auto batch_size = spec_.stages.front().spec.batch_size;
    while (status_.done < status_.inputs && signals_.received() == 0) {
      const auto count = std::min<std::uint64_t>(batch_size, status_.inputs - status_.done);
      process(0, input.next(count));
      status_.done += count;
      show();
    }
    for (auto& stage : stages_) {
      guarded([&] { stage.tear_down(); });
    }
    require_all_done();
    status_.finished = true;
    show();
    return status_;
  }

 private:
  void require_all_done() const {
    if (status_.done == status_.inputs) return;
    throw Error(
        ExitCode::stopped,
        stopped_text(spec_, signals_.received(),
                     fmt::format("{} of {} inputs are done", status_.done, status_.inputs), false));
  }

  void set_up(const ErasedStage& stage) {
    const auto before = seconds_now();
    WorkerContext context{stage.spec.name, 0, 1, 0, host_name(), spec_.options.run_dir};
    context.debug = true;
    context.node_dir = store::node_folder();
    if (stage.spec.spmd > 1) context.group = Group::alone();
    status_.stages.emplace_back().name = stage.spec.name;
    status_.stages.back().workers = 1;
    auto& runner = stages_.emplace_back(stage, false);
    guarded([&] {
      for (const bool on_node : {true, false}) {
        while (const auto pause = runner.set_up(context, on_node)) {
          std::this_thread::sleep_for(*pause);
        }
      }
    });
    status_.stages.back().setup = seconds_now() - before;
  }

  // Through stage k and, in batches of the next stage's size, through all that follow.
  void process(std::size_t k, AnyBatch batch) {
    auto& shown = status_.stages[k];
    const auto before = seconds_now();
    const auto records = batch.size();
    const auto first = batch.ids.empty() ? 0 : batch.ids.front().origin;
    StageRunner::ProcessedHere processed;
    guarded([&] { processed = stages_[k].process_here(std::move(batch)); });
    dead_letters_->add(std::move(processed.dead));
    ++shown.batches;
    shown.records_in += records;
    const double took = seconds_now() - before;
    shown.running += took;
    slowest_.note({took, k, first, records});
    for (auto& outputs : processed.outputs) {
      shown.records_out += outputs.size();
      hand_on(k, outputs);
    }
  }

  void hand_on(std::size_t k, AnyBatch& outputs) {
    if (k + 1 == stages_.size()) {
      if (!status_.first_done) status_.first_done = seconds_now() - started_;
      if (spec_.on_output) spec_.on_output(std::move(outputs));
      return;
    }
    const auto batch_size = spec_.stages[k + 1].spec.batch_size;
    for (std::size_t first = 0; first < outputs.size(); first += batch_size) {
      const auto count = std::min(batch_size, outputs.size() - first);
      process(k + 1, spec_.stages[k].output->take(outputs, first, count));
    }
  }

  template <class Body>
  void guarded(Body body) {
    try {
      body();
    } catch (const StageFailed& failed) {
      throw_failure(failed.failure, [this](std::size_t input) { return input_name(spec_, input); });
    }
  }

  void show() {
    status_.seconds = seconds_now() - started_;
    status_.dead_letters = dead_letters_->letters().size();
    const double interval = std::chrono::duration<double>(spec_.options.status_interval).count();
    if (!status_.finished && status_.seconds - shown_at_ < interval) return;
    shown_at_ = status_.seconds;
    for (auto& stage : status_.stages) {
      stage.starved = status_.seconds - stage.running - stage.setup;
    }
    status_.slowest = named(slowest_, spec_);
    if (spec_.options.on_status) spec_.options.on_status(status_);
  }

  const ErasedSpec& spec_;
  std::deque<StageRunner> stages_;
  std::optional<DeadLetterBook> dead_letters_;
  StopSignals signals_{spec_.options.handle_signals, nullptr};
  Remarks remarks_{Remarks::Say::at_once};
  control::Slowest slowest_;
  RunStatus status_;
  double started_ = seconds_now();
  double shown_at_ = 0;
};

}  // namespace

RunStatus run_debug(const ErasedSpec& spec) { return DebugRun(spec).run(); }

}  // namespace sluice::runtime
