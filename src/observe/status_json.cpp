#include "observe/status_json.hpp"

#include "observe/checked_json.hpp"
#include "observe/optional_json.hpp"

#include <nlohmann/json.hpp>

namespace sluice::observe {
namespace {

using Json = nlohmann::ordered_json;

template <class Read>
auto optional_of(const Json& json, Read read) {
  return json.is_null() ? std::nullopt : std::optional(read(json));
}

// Earlier versions have not got all counts.
std::uint64_t count_if_any(const Json& json, const char* key) {
  return json.contains(key) ? count_of(json.at(key)) : 0;
}

Json stage_json(const StageStatus& stage) {
  return {{"name", stage.name},       {"workers", stage.workers},
          {"batches", stage.batches}, {"in", stage.records_in},
          {"out", stage.records_out}, {"running", stage.running},
          {"starved", stage.starved}, {"blocked", stage.blocked},
          {"setup", stage.setup},     {"expected", optional_json(stage.expected)},
          {"shards", stage.shards},   {"filtered", stage.filtered},
          {"dead", stage.dead}};
}

StageStatus stage_of(const Json& json) {
  StageStatus stage;
  stage.name = json.at("name");
  stage.workers = count_of(json.at("workers"));
  stage.batches = count_of(json.at("batches"));
  stage.records_in = count_of(json.at("in"));
  stage.records_out = count_of(json.at("out"));
  stage.running = seconds_of(json.at("running"));
  stage.starved = seconds_of(json.at("starved"));
  stage.blocked = seconds_of(json.at("blocked"));
  stage.setup = seconds_of(json.at("setup"));
  stage.expected = optional_of(json.at("expected"), count_of);
  stage.shards = count_of(json.at("shards"));
  stage.filtered = count_if_any(json, "filtered");
  stage.dead = count_if_any(json, "dead");
  return stage;
}

Json replans_json(const RunStatus& status) {
  Json list = Json::array();
  for (const auto& replan : status.replans) {
    list.push_back({{"at", replan.at},
                    {"moved", replan.moved},
                    {"gain", replan.gain},
                    {"cost", replan.cost},
                    {"reason", replan.reason}});
  }
  return list;
}

Json lost_json(const RunStatus& status) {
  Json list = Json::array();
  for (const auto& lost : status.lost) {
    list.push_back({{"rank", lost.rank}, {"stage", lost.stage}, {"at", lost.at}});
  }
  return list;
}

Json channels_json(const RunStatus& status) {
  Json list = Json::array();
  for (const auto& channel : status.channels) {
    list.push_back({{"peak_records", channel.peak_records},
                    {"peak_bytes", channel.peak_bytes},
                    {"bound_records", channel.bound_records},
                    {"records", channel.records}});
  }
  return list;
}

}  // namespace

Json to_json(const std::vector<SlowBatch>& slowest) {
  Json list = Json::array();
  for (const auto& slow : slowest) {
    list.push_back({{"stage", slow.stage},
                    {"key", slow.key},
                    {"records", slow.records},
                    {"rank", slow.rank},
                    {"seconds", slow.seconds}});
  }
  return list;
}

Json to_json(const RunStatus& status) {
  Json stages = Json::array();
  for (const auto& stage : status.stages) stages.push_back(stage_json(stage));
  return {{"pipeline", status.pipeline},
          {"seconds", status.seconds},
          {"inputs", status.inputs},
          {"done", status.done},
          {"done_before", status.done_before},
          {"dead_letters", status.dead_letters},
          {"finished", status.finished},
          {"first_done", optional_json(status.first_done)},
          {"control_messages", status.control_messages},
          {"stages", std::move(stages)},
          {"channels", channels_json(status)},
          {"replans", replans_json(status)},
          {"lost", lost_json(status)},
          {"slowest", to_json(status.slowest)}};
}

RunStatus status_of(const Json& json) {
  RunStatus status;
  status.pipeline = json.at("pipeline");
  status.seconds = seconds_of(json.at("seconds"));
  status.inputs = count_of(json.at("inputs"));
  status.done = count_of(json.at("done"));
  status.done_before = count_of(json.at("done_before"));
  status.dead_letters = count_of(json.at("dead_letters"));
  status.finished = json.at("finished");
  status.first_done = optional_of(json.at("first_done"), seconds_of);
  status.control_messages = count_of(json.at("control_messages"));
  for (const auto& stage : json.at("stages")) status.stages.push_back(stage_of(stage));
  for (const auto& channel : json.at("channels")) {
    status.channels.push_back(
        {count_of(channel.at("peak_records")), count_of(channel.at("peak_bytes")),
         count_of(channel.at("bound_records")), count_if_any(channel, "records")});
  }
  for (const auto& replan : json.at("replans")) {
    status.replans.push_back({seconds_of(replan.at("at")), count_of(replan.at("moved")),
                              replan.at("gain"), replan.at("cost"), replan.at("reason")});
  }
  for (const auto& lost : json.at("lost")) {
    status.lost.push_back({rank_of(lost.at("rank")), lost.at("stage"), seconds_of(lost.at("at"))});
  }
  if (!json.contains("slowest")) return status;  // an earlier version wrote it
  for (const auto& slow : json.at("slowest")) {
    status.slowest.push_back({slow.at("stage"), slow.at("key"), count_of(slow.at("records")),
                              rank_of(slow.at("rank")), seconds_of(slow.at("seconds"))});
  }
  return status;
}

}  // namespace sluice::observe
