#include "runtime/tracer.hpp"

#include "base/clock.hpp"
#include "base/text_width.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

namespace sluice::runtime {
namespace {

using store::TraceState;

// Seconds. Shorter waits between two batches would only fill the file.
constexpr double worth_a_span = 100e-6;
constexpr std::size_t most_keys = 3;
constexpr std::size_t longest_key = 100;

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Of the first records, but when they are tried again.
void add_keys(const RecordType& type, const AnyBatch& records, std::vector<std::string>& keys) {
  if (!keys.empty()) return;
  for (std::size_t i = 0; i < std::min(records.size(), most_keys); ++i) {
    auto key = type.key(records, i);
    if (key.empty()) return;
    key.resize(whole_beginning(key, longest_key).size());
    keys.push_back(std::move(key));
  }
}

}  // namespace

void Tracer::open(const ErasedSpec& spec, std::uint64_t attempt, int rank, int node,
                  const std::string& host) {
  if (!spec.options.trace) return;
  store::TraceHead head{attempt, rank,      node, seconds_now(), seconds_since_1970(),
                        host,    spec.name, {}};
  for (const auto& stage : spec.stages) head.stages.push_back(stage.spec.name);
  writer_ =
      std::make_unique<store::TraceWriter>(store::trace_path(spec.options.run_dir, attempt, rank));
  writer_->add(head);
  folder_ = store::trace_folder(spec.options.run_dir).string();
}

void Tracer::left(const StateClock::Stay& stay, std::size_t stage) {
  using State = StateClock::State;
  const bool waited = stay.state == State::starved || stay.state == State::blocked;
  if (!on() || !waited || stay.end - stay.begin < worth_a_span) return;
  const auto state = stay.state == State::starved ? TraceState::starved : TraceState::blocked;
  writer_->add(store::TraceSpan{state, static_cast<std::uint32_t>(stage), stay.begin, stay.end});
}

void Tracer::expect(std::uint64_t epoch, std::uint64_t batch, const EncodedBatch& records) {
  if (!on()) return;
  batch_.epoch = epoch;
  batch_.batch = batch;
  batch_.in = records.size();
  batch_.input = records.empty() ? 0 : records.id(0).origin;
  batch_.out = 0;
  batch_.dead = 0;
  batch_.keys.clear();
}

void Tracer::note_keys(const RecordType& type, const AnyBatch& records) {
  add_keys(type, records, batch_.keys);
}

void Tracer::begin(std::size_t stage, std::uint64_t epoch, std::uint64_t batch,
                   const std::vector<std::uint64_t>& origins) {
  if (!on()) return;
  store::TraceBatch each;
  each.span = {TraceState::process, static_cast<std::uint32_t>(stage), seconds_now(), 0};
  each.epoch = epoch;
  each.batch = batch;
  each.in = origins.size();
  each.input = origins.empty() ? 0 : origins.front();
  each.lane = free_lane();
  open_.insert_or_assign(batch, std::move(each));
}

// As few as are needed, so that a trace has a row for each batch that is there at once.
std::uint64_t Tracer::free_lane() const {
  std::vector<std::uint64_t> taken;
  taken.reserve(open_.size());
  for (const auto& [number, batch] : open_) taken.push_back(batch.lane);
  std::sort(taken.begin(), taken.end());
  std::uint64_t lane = 1;
  for (const auto each : taken) lane += each == lane ? 1 : 0;
  return lane;
}

void Tracer::note_keys(std::uint64_t batch, const RecordType& type, const AnyBatch& records) {
  const auto found = open_.find(batch);
  if (found != open_.end()) add_keys(type, records, found->second.keys);
}

void Tracer::end(std::uint64_t batch, std::uint64_t records, std::uint64_t dead) {
  auto found = open_.extract(batch);
  if (found.empty()) return;
  auto& each = found.mapped();
  each.span.end = seconds_now();
  each.out = records;
  each.dead = dead;
  writer_->add(each);
}

void Tracer::abandon() {
  for (auto& [number, batch] : open_) {
    batch.span.end = seconds_now();
    batch.unfinished = 1;
    writer_->add(batch);
  }
  open_.clear();
}

void Tracer::sent(std::size_t stage, std::uint64_t epoch, std::uint64_t made_by,
                  std::uint64_t batch, std::uint64_t records) {
  if (!on()) return;
  writer_->add(store::TraceSend{seconds_now(), stage, epoch, batch, records, made_by});
}

std::string Tracer::take_trouble() {
  const int error = on() ? writer_->take_error() : 0;
  if (error == 0) return {};
  return fmt::format("the trace in '{}' is incomplete: {}; the run goes on", folder_,
                     std::strerror(error));
}

void Tracer::called(const store::TraceSpan& span, bool failed) {
  if (span.state != TraceState::process) return writer_->add(span);
  batch_.span = span;
  batch_.failed = failed ? 1 : 0;
  writer_->add(batch_);
}

TracedCall::TracedCall(Tracer& tracer, TraceState state, std::size_t stage) : tracer_(tracer) {
  if (!tracer_.on()) return;
  exceptions_ = std::uncaught_exceptions();
  span_ = {state, static_cast<std::uint32_t>(stage), seconds_now(), 0};
}

TracedCall::~TracedCall() {
  if (!tracer_.on()) return;
  span_.end = seconds_now();
  tracer_.called(span_, std::uncaught_exceptions() > exceptions_);
}

}  // namespace sluice::runtime
