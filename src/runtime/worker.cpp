#include "runtime/worker.hpp"

#include "runtime/spec.hpp"
#include "store/node_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::runtime {

using control::coordinator;

namespace {

// Seconds. A slot that falls free for a shorter time is reported together with the batch's end: one
// message instead of two, which costs more than the consumer could gain from the earlier one.
constexpr double worth_a_report = 50e-6;

std::vector<RecordId> ids_of(const EncodedBatch& batch) {
  std::vector<RecordId> ids;
  ids.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) ids.push_back(batch.id(i));
  return ids;
}

}  // namespace

bool Worker::work() {
  look_after_links();
  set_up_if_due();
  if (follower_) {
    follow();
  } else if (continuous_) {
    process_several();
  } else {
    process_next();
  }
  decline();
  note_waiting();
  send_report();
  return false;
}

void Worker::handle(Packet packet) {
  if (auto* part = std::get_if<Data>(&packet)) on(std::move(*part));
  if (on_device_word(packet)) return;
  if (auto* orders = std::get_if<Orders>(&packet)) on(std::move(*orders));
  if (auto* brief = std::get_if<SinkBrief>(&packet)) brief_ = std::move(*brief);
  if (std::holds_alternative<ClosePart>(packet)) close_part();
  if (const auto* order = std::get_if<Regroup>(&packet)) on(*order);
  if (auto* call = std::get_if<GroupCall>(&packet)) on_group(std::move(*call));
  if (auto* part = std::get_if<GroupPart>(&packet)) on_group(std::move(*part));
  if (auto* end = std::get_if<GroupEnded>(&packet)) on_group(std::move(*end));
}

void Worker::on(Data part) {
  if (part.epoch == epoch_) store().arrived(std::move(part));
}

// What it has done for records since the last report is as if it had not been: they come again. Of
// what it has written for good, the coordinator must hear.
void Worker::on(const Regroup& order) {
  for (const auto rank : order.lost) transport_.forget(rank);
  handover_.forget(order.epoch);
  if (runner_) runner_->forget_expected();
  epoch_ = order.epoch;
  report_.events.clear();
  report_.dead.clear();
  if (link_) {  // which ranks it will have next, nobody knows yet
    store_.reset();
    leave_group();
  }
  early_.clear();
  if (store_) {
    store_.emplace(channel_spec(spec_.stages.at(place_.stage).spec));
    if (continuous_) continuous_->abandon();
    tracer_.abandon();
    close_part();
  } else {  // it was not ready yet, and is told again what to be
    part_.reset();
    setup_.drop();
    retiring_ = false;
    runner_.reset();
  }
  transport_.send(pack(coordinator, Regrouped{epoch_}));
}

void Worker::on(Orders orders) {
  for (const auto& command : orders.commands) {
    std::visit([this](const auto& order) { obey(order); }, command);
  }
}

void Worker::obey(const control::Assign& order) {
  const bool alone = order.group.empty();
  if (store_ && place_.stage == order.stage && alone) return keep_stage();
  if (store_) leave_stage();
  const auto& stage = spec_.stages.at(order.stage);
  place_ = order;
  if (!alone) join_group(order);
  if (!runner_) {
    runner_.emplace(alone ? stage : *grouped_, order.deliver, hooks(stage));
    usual_process_time_ = 1;
    log_stage(stage.spec.name);
  }
  if (brief_ && !order.setup_node) {
    part_.emplace(PartFolders{spec_.options.run_dir}, order.stage,
                  fmt::format("{}-r{}-{}", brief_->prefix, transport_.rank(), sinks_++),
                  std::move(brief_->written));
    brief_.reset();
  }
  if (!follower_ || order.setup_node) begin_setup(order.setup_node);
}

// It is told to join the stage that it has: the run has begun again after a loss.
void Worker::keep_stage() {
  if (part_ && brief_) part_->set_written(std::move(brief_->written));
  brief_.reset();
  report_.events.emplace_back(control::WorkerReady{});
}

WorkerContext Worker::context() const {
  const auto& spec = spec_.stages.at(place_.stage).spec;
  WorkerContext context{spec.name,         place_.worker, place_.workers,
                        transport_.rank(), host_,         spec_.options.run_dir};
  context.depth = spec.depth;
  context.gpus = gpus_;
  context.node_dir = store::node_folder();
  return context;
}

void Worker::begin_setup(bool on_node) {
  setup_.begin(part_ && !on_node ? part_->begin(context()) : context(), on_node);
  set_up_if_due();
}

void Worker::set_up_if_due() {
  if (!setup_.due()) return;
  bool done = false;
  using store::TraceState;
  run_user_code(setup_.on_node() ? TraceState::setup_on_node : TraceState::setup,
                [&] { done = setup_.attempt(*runner_); });
  if (!done) return;
  if (setup_.on_node()) {
    report_.events.emplace_back(control::NodeReady{});
    if (retiring_) leave();
  } else if (!store_) {  // else it begins another part
    const auto& spec = spec_.stages.at(place_.stage).spec;
    store_.emplace(channel_spec(spec));
    prepare_handover();
    if (spec.depth > 1) begin_continuous();
    report_.events.emplace_back(control::WorkerReady{});
    rank_log().info("set up as worker {}", place_.worker);
  }
}

void Worker::begin_continuous() {
  continuous_.emplace(runner_->continuous());
  continuous_->wake_with([this] { transport_.notify(); });
  if (!tracer_.on()) return;
  const auto& type = *spec_.stages.at(place_.stage).input;
  continuous_->watch_with({[this](auto batch, const auto& origins) {
                             tracer_.begin(place_.stage, epoch_, batch, origins);
                           },
                           [this, &type](auto batch, const auto& records) {
                             tracer_.note_keys(batch, type, records);
                           }});
}

void Worker::obey(const control::Grant& order) { send(order, store().give(order.records)); }

void Worker::obey(const control::GrantAhead& order) {
  if (!store_) {  // it has just left
    report_.events.emplace_back(control::Declined{0, order.channel, order.batch});
    return;
  }
  store_->granted_ahead(order);
  hand_on_ahead();
}

void Worker::hand_on_ahead() {
  if (auto due = store_->give_ahead()) send(due->grant, std::move(due->outputs));
}

void Worker::send(const control::Grant& grant, RecordStore::Outputs outputs) {
  tracer_.sent(place_.stage, epoch_, outputs.made_by, grant.batch, grant.records);
  Data part{epoch_, grant.batch, grant.total, std::move(outputs.records)};
  transport_.send(pack(grant.consumer, handover_.outgoing(grant.consumer, std::move(part))));
}

void Worker::decline() {
  if (!store_) return;
  if (auto declined = store_->decline()) report_.events.emplace_back(*declined);
}

void Worker::obey(const control::Seal& order) { store().sealed(order); }

// Others may wait for the node's setup, so that is done first.
void Worker::obey(const control::Retire&) {
  retiring_ = setup_.under_way() && setup_.on_node();
  if (!retiring_) leave();
}

void Worker::leave() {
  leave_stage();
  report_.events.emplace_back(control::Left{});
  rank_log().info("left its stage");
}

void Worker::leave_stage() {
  if (store_ && !setup_.under_way()) {
    run_user_code(store::TraceState::teardown, [this] {
      runner_->tear_down();
      if (part_) report_.parts.push_back(part_->close());
    });
  }
  decline();
  report_.closed = part_.has_value();
  part_.reset();
  setup_.drop();
  retiring_ = false;
  store_.reset();
  continuous_.reset();
  runner_.reset();
  leave_group();
}

// What the stage wrote is safe once it has torn down. Then it begins the next part.
void Worker::close_part() {
  if (!part_) return;  // it has left, and said so
  const bool closes = !part_->empty();
  if (closes) {
    run_user_code(store::TraceState::teardown, [this] {
      runner_->tear_down();
      report_.parts.push_back(part_->close());
    });
  }
  // At once: what is taken from now on belongs to the next part.
  report_.closed = true;
  send_report();
  if (closes) begin_setup(false);
}

std::chrono::nanoseconds Worker::longest_wait() const {
  return std::min(setup_.wait(WorkerBase::longest_wait()), handover_.links().pause());
}

void Worker::process_next() {
  if (!store_ || setup_.under_way()) return;
  auto batch = store_->take();
  if (!batch) return;
  report_.events.emplace_back(
      control::Taken{0, batch->id, batch->records.stored_bytes(), batch->records.id(0).origin});
  if (usual_process_time_ > worth_a_report) send_report();
  if (const auto next = store_->next()) runner_->expect(next->id, *next->records);
  auto processed = process(*std::move(batch));
  store_->finished(processed.event.batch, std::move(processed.outputs));
  hand_on_ahead();
  std::move(processed.dead.begin(), processed.dead.end(), std::back_inserter(report_.dead));
  report_.events.emplace_back(std::move(processed.event));
}

// Until there is nothing to do before the stage answers.
void Worker::process_several() {
  do {
    while (auto batch = store_->take()) {
      report_.events.emplace_back(
          control::Taken{0, batch->id, batch->records.stored_bytes(), batch->records.id(0).origin});
      continuous_->take(batch->id, std::move(batch->records));
    }
    note_waiting();
    send_report();
    if (continuous_->any_waits()) call_user_code([this] { continuous_->submit(); });
    report_events();
  } while (report_finished());
}

// True if any batch was.
bool Worker::report_finished() {
  bool any = false;
  while (auto processed = continuous_->poll()) {
    any = true;
    processed->spent.stage = place_.stage;
    slow_.note(processed->spent, report_.slow);
    tracer_.end(processed->event.batch, processed->event.records, processed->dead.size());
    store_->finished(processed->event.batch, std::move(processed->outputs));
    std::move(processed->dead.begin(), processed->dead.end(), std::back_inserter(report_.dead));
    report_.events.emplace_back(std::move(processed->event));
  }
  report_events();
  return any;
}

void Worker::report_events() {
  for (auto& event : continuous_->take_events()) report_.events.push_back(std::move(event));
}

// What the primary of its group calls for.
void Worker::follow() {
  while (auto call = follower_->next_call()) {
    using store::TraceState;
    const bool works = call->kind == GroupCall::Kind::process;
    run_user_code(works ? TraceState::process : TraceState::setup,
                  [&] { follower_->obey(*std::move(call), context()); });
  }
}

StageRunner::Processed Worker::process(RecordStore::TakenBatch batch) {
  const auto again = part_ ? part_->take_written(batch.records) : EncodedBatch();
  const auto ids = part_ ? ids_of(batch.records) : std::vector<RecordId>();
  StageRunner::Processed processed;
  processed.event.batch = batch.id;
  processed.event.delivered = place_.deliver;
  if (!batch.records.empty()) {
    slow_.begin(place_.stage, batch.records);
    tracer_.expect(epoch_, batch.id, batch.records);
    run_user_code(store::TraceState::process, [&] {
      processed = runner_->process(batch.id, std::move(batch.records));
      tracer_.made(processed.event.records, processed.dead.size());
    });
  }
  if (part_) part_->add(ids, processed.dead);
  if (!again.empty()) runner_->hand_on(again, processed);
  return processed;
}

template <class Body>
void Worker::run_user_code(store::TraceState state, Body body) {
  using State = StateClock::State;
  enter(state == store::TraceState::process ? State::running : State::setup);
  const TracedCall call(tracer_, state, place_.stage);
  call_user_code(body);
}

template <class Body>
void Worker::call_user_code(Body body) {
  say_alive();
  const transport::Absence absence(transport_);
  body();
  ++calls_;
}

void Worker::enter(StateClock::State state) {
  const auto stay = clock_.enter(state);
  if (stay.state == StateClock::State::running) {
    usual_process_time_ += (stay.end - stay.begin - usual_process_time_) / 8;
  }
  slow_.left(stay, report_.slow);
  tracer_.left(stay, place_.stage);
}

void Worker::note_waiting() {
  using State = StateClock::State;
  if (!store_) return enter(State::idle);
  if (continuous_) return clock_.enter(store_->flow().shares());
  enter(store_->flow().backlog() > 0 ? State::blocked : State::starved);
}

void Worker::send_report() {
  if (report_.events.empty() && !report_.closed) return;
  report_.usage = clock_.usage();
  pass_on_remarks();
  transport_.send(pack(coordinator, std::exchange(report_, {})));
}

RecordStore& Worker::store() {
  if (!store_) {
    throw InvariantError(fmt::format("rank {} got records but has no stage", transport_.rank()));
  }
  return *store_;
}

}  // namespace sluice::runtime
