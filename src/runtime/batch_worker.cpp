#include "runtime/batch_worker.hpp"

#include "runtime/batch_book.hpp"
#include "store/node_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::runtime {

BatchWorker::Place::Place(store::IntermediateStore& store, const RunOptions& options,
                          StageBrief&& brief, int rank)
    : reader(
          store, [&options] { return open_intermediates(options); }, std::move(brief.input_folder)),
      output(store, std::move(brief.folder), fmt::format("{}-r{}", brief.attempt, rank),
             {std::move(brief.pipeline)}),
      run_dir(std::move(brief.run_dir)) {}

void BatchWorker::handle(Packet packet) {
  if (auto* brief = std::get_if<StageBrief>(&packet)) {
    on(std::move(*brief));
  } else if (auto* orders = std::get_if<Orders>(&packet)) {
    on(*orders);
  } else if (auto* split = std::get_if<Split>(&packet)) {
    place_.value().splits.push_back(std::move(*split));
  } else if (std::holds_alternative<Stop>(packet) && place_) {
    place_->splits.clear();
    place_->reader.drop();
  }
}

void BatchWorker::on(StageBrief brief) {
  if (!store_) store_.emplace(open_intermediates(spec_.options));
  place_.emplace(*store_, spec_.options, std::move(brief), transport_.rank());
}

void BatchWorker::on(const Orders& orders) {
  for (const auto& command : orders.commands) {
    if (const auto* assign = std::get_if<control::Assign>(&command)) obey(*assign);
    if (std::holds_alternative<control::Retire>(command)) place_.value().retiring = true;
  }
}

void BatchWorker::obey(const control::Assign& order) {
  auto& place = place_.value();
  const auto& stage = spec_.stages.at(order.stage);
  WorkerContext context{stage.spec.name,   order.worker, order.workers,
                        transport_.rank(), host_,        place.run_dir};
  context.gpus = gpus_;
  context.node_dir = store::node_folder();
  place.stage = order.stage;
  log_stage(stage.spec.name);
  if (!place.runner) place.runner.emplace(stage, order.deliver, hooks(stage));
  place.setup.begin(context, order.setup_node);
  set_up_if_due();
}

void BatchWorker::set_up_if_due() {
  auto& place = *place_;
  if (!place.setup.due()) return;
  bool done = false;
  using store::TraceState;
  run_user_code(place.setup.on_node() ? TraceState::setup_on_node : TraceState::setup,
                [&] { done = place.setup.attempt(*place.runner); });
  if (!done) return;
  if (place.setup.on_node()) {
    report_.events.emplace_back(control::NodeReady{});
  } else {
    place.ready = true;
    rank_log().info("set up");
    report_.events.emplace_back(control::WorkerReady{});
  }
  send_report();
}

bool BatchWorker::work() {
  if (!place_) return false;
  set_up_if_due();
  const bool busy = begin_split();
  if (!place_->splits.empty()) place_->reader.expect(place_->splits.front());
  if (busy) process_batch();
  publish_if_due();
  if (!busy && place_->retiring && !setting_up_node()) leave();
  send_report();
  enter(place_ ? StateClock::State::starved : StateClock::State::idle);
  return busy;
}

// True if there are records to process. The report goes out at once, so that the next split is here
// when this one is done.
bool BatchWorker::begin_split() {
  auto& place = *place_;
  if (!place.reader.done()) return true;
  if (place.splits.empty()) return false;
  report_.events.emplace_back(control::SplitBegun{});
  send_report();
  const transport::Absence absence(transport_);
  place.reader.begin(std::move(place.splits.front()));
  place.splits.pop_front();
  return true;
}

void BatchWorker::process_batch() {
  auto& place = *place_;
  auto batch = place.reader.next(spec_.stages[place.stage].spec.batch_size);
  ++report_.batches;
  report_.records_in += batch.span.count;
  StageRunner::Processed processed;
  slow_.begin(place.stage, batch.records);
  tracer_.expect(0, place.batches++, batch.records);
  run_user_code(store::TraceState::process, [&] {
    processed = place.runner->process(0, std::move(batch.records));
    tracer_.made(processed.event.records, processed.dead.size());
  });
  report_.records_out += processed.event.records;
  report_.filtered += processed.event.filtered;
  place.output.append(batch.span, processed.outputs, std::move(processed.dead));
}

void BatchWorker::publish_if_due() {
  const auto& output = place_->output;
  if (output.empty()) return;
  const bool last = place_->retiring && place_->reader.done() && place_->splits.empty();
  const auto age = std::chrono::steady_clock::now() - output.since();
  if (last || output.full() || age >= spec_.options.batch.publish_every) publish();
}

void BatchWorker::publish() {
  enter(StateClock::State::blocked);
  const transport::Absence absence(transport_);
  const TracedCall call(tracer_, store::TraceState::publish, place_->stage);
  auto shard = place_->output.publish();
  report_.events.emplace_back(control::Published{0, shard.info.splits.size()});
  report_.shards.push_back(to_json(shard.info));
  std::move(shard.dead.begin(), shard.dead.end(), std::back_inserter(report_.dead));
}

void BatchWorker::leave() {
  if (place_->ready) {
    run_user_code(store::TraceState::teardown, [this] { place_->runner->tear_down(); });
  }
  place_.reset();
  report_.events.emplace_back(control::Left{});
}

// Others may wait for it.
bool BatchWorker::setting_up_node() const {
  return place_->setup.under_way() && place_->setup.on_node();
}

template <class Body>
void BatchWorker::run_user_code(store::TraceState state, Body body) {
  using State = StateClock::State;
  say_alive();
  enter(state == store::TraceState::process ? State::running : State::setup);
  const transport::Absence absence(transport_);
  const TracedCall call(tracer_, state, place_->stage);
  body();
  ++calls_;
}

void BatchWorker::enter(StateClock::State state) {
  const auto stay = clock_.enter(state);
  slow_.left(stay, report_.slow);
  if (place_ && stay.state == StateClock::State::starved) tracer_.left(stay, place_->stage);
}

// A shard waits for its time even if no records come.
std::chrono::nanoseconds BatchWorker::longest_wait() const {
  const auto longest = std::min<std::chrono::nanoseconds>(WorkerBase::longest_wait(),
                                                          spec_.options.batch.publish_every);
  return place_ ? place_->setup.wait(longest) : longest;
}

void BatchWorker::send_report() {
  if (report_.events.empty()) return;
  report_.usage = clock_.usage();
  pass_on_remarks();
  transport_.send(pack(control::coordinator, std::exchange(report_, {})));
}

}  // namespace sluice::runtime
