#include "runtime/debug_executor.hpp"

#include "base/clock.hpp"
#include "runtime/failure.hpp"
#include "runtime/input_feed.hpp"
#include "runtime/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <vector>

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
    for (const auto& stage : spec_.stages) set_up(stage);
    const auto batch_size = spec_.stages.front().spec.batch_size;
    while (status_.done < status_.inputs) {
      const auto count = std::min<std::uint64_t>(batch_size, status_.inputs - status_.done);
      process(0, input.next(count));
      status_.done += count;
      show();
    }
    for (std::size_t k = 0; k < stages_.size(); ++k) {
      guarded(k, {}, [&] { stages_[k]->teardown(); });
    }
    status_.finished = true;
    show();
    return status_;
  }

 private:
  void set_up(const ErasedStage& stage) {
    const auto before = seconds_now();
    const WorkerContext context{stage.spec.name, 0, 1, 0, host_name(), spec_.options.run_dir};
    const auto k = stages_.size();
    status_.stages.emplace_back().name = stage.spec.name;
    status_.stages.back().workers = 1;
    stages_.push_back(nullptr);
    guarded(k, {}, [&] {
      stages_[k] = stage.make();
      stages_[k]->setup_on_node(context);
      stages_[k]->setup(context);
    });
    status_.stages[k].setup = seconds_now() - before;
  }

  // Through stage k and, in batches of the next stage's size, through all that follow.
  void process(std::size_t k, AnyBatch batch) {
    auto& shown = status_.stages[k];
    const auto before = seconds_now();
    std::vector<std::uint64_t> origins;
    for (const auto& id : batch.ids) origins.push_back(id.origin);
    ProcessResult result;
    guarded(k, origins, [&] { result = stages_[k]->process(std::move(batch)); });
    ++shown.batches;
    shown.records_in += origins.size();
    shown.records_out += result.outputs.size();
    shown.running += seconds_now() - before;
    hand_on(k, result.outputs);
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
  void guarded(std::size_t k, const std::vector<std::uint64_t>& origins, Body body) {
    try {
      body();
    } catch (...) {
      const auto where = fmt::format("stage '{}'", spec_.stages[k].spec.name);
      throw_failure(to_failure(std::current_exception(), where, origins),
                    [this](std::size_t input) { return input_name(spec_, input); });
    }
  }

  void show() {
    status_.seconds = seconds_now() - started_;
    const double interval = std::chrono::duration<double>(spec_.options.status_interval).count();
    if (!status_.finished && status_.seconds - shown_at_ < interval) return;
    shown_at_ = status_.seconds;
    for (auto& stage : status_.stages) {
      stage.starved = status_.seconds - stage.running - stage.setup;
    }
    if (spec_.options.on_status) spec_.options.on_status(status_);
  }

  const ErasedSpec& spec_;
  std::vector<std::unique_ptr<AnyStage>> stages_;
  RunStatus status_;
  double started_ = seconds_now();
  double shown_at_ = 0;
};

}  // namespace

RunStatus run_debug(const ErasedSpec& spec) { return DebugRun(spec).run(); }

}  // namespace sluice::runtime
