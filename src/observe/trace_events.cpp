#include "observe/trace_events.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace sluice::observe {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 7> state_names = {
    "setup on node", "setup", "teardown", "process", "starved", "blocked", "publish"};

std::string json_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The format counts in microseconds.
std::string shown(std::int64_t nanoseconds) {
  return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
}

std::int64_t process_of(std::int32_t rank) { return rank + 1; }

std::string arguments_of(const store::TraceBatch& batch) {
  auto text = fmt::format(R"("in":{},"out":{},"input":{},"batch":{},"epoch":{})", batch.in,
                          batch.out, batch.input, batch.batch, batch.epoch);
  if (!batch.keys.empty()) text += fmt::format(R"(,"keys":{})", json_of(batch.keys));
  if (batch.dead != 0) text += fmt::format(R"(,"dead":{})", batch.dead);
  if (batch.failed != 0) text += R"(,"failed":true)";
  if (batch.unfinished != 0) text += R"(,"unfinished":true)";
  return text;
}

}  // namespace

TraceEvents::TraceEvents(std::ostream& out) : out_(out) { out_ << "{\"traceEvents\":["; }

// No two threads have the same number, none has that of a process, and it fits into 32 bits, which
// is all that viewers read.
std::int64_t TraceEvents::thread_of(Track track) {
  constexpr std::int64_t most_ranks = 10'000'000;
  const auto next = most_ranks + static_cast<std::int64_t>(threads_.size());
  return threads_.try_emplace(track, next).first->second;
}

std::string TraceEvents::slice(Track track, Extent extent, const std::string& name,
                               std::string_view category) {
  return fmt::format(R"("tid":{},"ts":{},"dur":{},"name":{},"cat":"{}")", thread_of(track),
                     shown(extent.begin), shown(extent.end - extent.begin), json_of(name),
                     category);
}

void TraceEvents::event(std::string_view kind, std::int32_t rank, const std::string& rest) {
  out_ << (events_++ == 0 ? "\n" : ",\n")
       << fmt::format(R"({{"ph":"{}","pid":{},{}}})", kind, process_of(rank), rest);
}

void TraceEvents::name_rank(std::int32_t rank, const std::string& name) {
  event("M", rank, fmt::format(R"("name":"process_name","args":{{"name":{}}})", json_of(name)));
  event("M", rank, fmt::format(R"("name":"process_sort_index","args":{{"sort_index":{}}})", rank));
}

void TraceEvents::name_stage(Track track, const std::string& name) {
  event("M", track.rank,
        fmt::format(R"("tid":{},"name":"thread_name","args":{{"name":{}}})", thread_of(track),
                    json_of(track.lane == 0 ? name : fmt::format("{} #{}", name, track.lane))));
  constexpr std::uint64_t most_lanes = 10'000;
  event("M", track.rank,
        fmt::format(R"("tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}})",
                    thread_of(track), most_lanes * track.stage + track.lane));
}

void TraceEvents::wait_or_setup(Track track, Extent extent, store::TraceState state) {
  const auto name = state_names.at(static_cast<std::size_t>(state));
  const bool waits = state == store::TraceState::starved || state == store::TraceState::blocked;
  event("X", track.rank, slice(track, extent, std::string(name), waits ? "wait" : "setup"));
}

void TraceEvents::batch(Track track, Extent extent, const std::string& stage,
                        const store::TraceBatch& batch) {
  event("X", track.rank,
        slice(track, extent, stage, "process") +
            fmt::format(R"(,"args":{{{}}})", arguments_of(batch)));
}

void TraceEvents::flow(Track from, Extent made, Track to, std::int64_t taken) {
  const auto id = ++flows_;
  constexpr const char* end = R"("tid":{},"ts":{},"id":{},"name":"records","cat":"flow")";
  const auto left = std::max(made.begin, made.end - 1);
  event("s", from.rank, fmt::format(end, thread_of(from), shown(left), id));
  event("f", to.rank, R"("bp":"e",)" + fmt::format(end, thread_of(to), shown(taken), id));
}

void TraceEvents::moment(std::int32_t rank, std::int64_t at, const std::string& what) {
  event("i", rank,
        fmt::format(R"("tid":{},"ts":{},"s":"p","name":{},"cat":"run")", process_of(rank),
                    shown(at), json_of(what)));
}

void TraceEvents::count(std::int64_t at, const std::string& name, double value) {
  event("C", 0,
        fmt::format(R"("ts":{},"name":{},"args":{{"value":{}}})", shown(at), json_of(name), value));
}

void TraceEvents::end(const std::string& note) {
  out_ << fmt::format("\n],\"displayTimeUnit\":\"ms\",\"otherData\":{{\"clocks\":{}}}}}\n",
                      json_of(note));
}

}  // namespace sluice::observe
