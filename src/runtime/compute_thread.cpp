#include "runtime/compute_thread.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace sluice::runtime {
namespace {

// The last stage's inputs are done, whatever it made of them.
std::vector<control::Descent> all_done(const std::vector<RecordId>& ids) {
  std::vector<control::Descent> descents;
  descents.reserve(ids.size());
  for (const auto& id : ids) descents.push_back({id.origin, -1});
  return descents;
}

}  // namespace

ComputeThread::ComputeThread(std::function<void()> notify)
    : notify_(std::move(notify)), thread_([this] { run(); }) {}

ComputeThread::~ComputeThread() {
  work_.abort();
  thread_.join();
}

void ComputeThread::submit(Work work) { work_.push(std::move(work)); }

std::vector<Outcome> ComputeThread::collect() {
  const std::lock_guard lock(mutex_);
  return std::exchange(outcomes_, {});
}

bool ComputeThread::ended_within(std::chrono::nanoseconds longest) {
  work_.abort();
  std::unique_lock lock(mutex_);
  return ended_changed_.wait_for(lock, longest, [this] { return ended_; });
}

void ComputeThread::run() {
  while (auto work = work_.pop()) {
    Outcome outcome;
    try {
      outcome = std::visit([this](auto& w) { return perform(w); }, *work);
    } catch (...) {
      outcome = to_failure(std::current_exception(),
                           stage_ ? fmt::format("stage '{}'", stage_->spec.name) : "", ids_);
    }
    {
      const std::lock_guard lock(mutex_);
      outcomes_.push_back(std::move(outcome));
    }
    notify_();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  ended_changed_.notify_all();
}

Outcome ComputeThread::perform(SetUpNode& work) {
  stage_ = work.stage;
  user_ = stage_->make();
  user_->setup_on_node(work.context);
  return NodeIsSetUp{};
}

Outcome ComputeThread::perform(SetUp& work) {
  stage_ = work.stage;
  deliver_ = work.deliver;
  if (!user_) user_ = stage_->make();
  user_->setup(work.context);
  return IsSetUp{};
}

Outcome ComputeThread::perform(Process& work) {
  ids_.clear();
  for (std::size_t i = 0; i < work.input.size(); ++i) ids_.push_back(work.input.id(i));
  auto decoded = stage_->input->decode(work.input);
  work.input = {};  // the records' buffers now have one owner, who may write to them
  auto result = user_->process(std::move(decoded));
  Processed processed;
  auto& event = processed.event;
  event.batch = work.batch;
  event.records = result.outputs.size();
  if (deliver_) {
    event.delivered = true;
    event.descents = all_done(ids_);
    return processed;
  }
  for (const auto& descent : result.descents) {
    event.descents.push_back({descent.origin, descent.change});
  }
  processed.outputs = stage_->output->encode(std::move(result.outputs));
  event.bytes = processed.outputs.stored_bytes();
  return processed;
}

Outcome ComputeThread::perform(TearDown&) {
  ids_.clear();
  if (user_) user_->teardown();
  user_.reset();
  return IsTornDown{};
}

}  // namespace sluice::runtime
