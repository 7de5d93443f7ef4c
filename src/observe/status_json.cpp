#include "observe/status_json.hpp"

#include "observe/optional_json.hpp"

#include <nlohmann/json.hpp>

namespace sluice::observe {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
std::optional<Value> optional_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<Value>(json.get<Value>());
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
  stage.workers = json.at("workers");
  stage.batches = json.at("batches");
  stage.records_in = json.at("in");
  stage.records_out = json.at("out");
  stage.running = json.at("running");
  stage.starved = json.at("starved");
  stage.blocked = json.at("blocked");
  stage.setup = json.at("setup");
  stage.expected = optional_of<std::uint64_t>(json.at("expected"));
  stage.shards = json.at("shards");
  stage.filtered = json.value("filtered", std::uint64_t{0});  // earlier versions have not got them
  stage.dead = json.value("dead", std::uint64_t{0});
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
  status.seconds = json.at("seconds");
  status.inputs = json.at("inputs");
  status.done = json.at("done");
  status.done_before = json.at("done_before");
  status.dead_letters = json.at("dead_letters");
  status.finished = json.at("finished");
  status.first_done = optional_of<double>(json.at("first_done"));
  status.control_messages = json.at("control_messages");
  for (const auto& stage : json.at("stages")) status.stages.push_back(stage_of(stage));
  for (const auto& channel : json.at("channels")) {
    status.channels.push_back({channel.at("peak_records"), channel.at("peak_bytes"),
                               channel.at("bound_records"),
                               channel.value("records", std::uint64_t{0})});
  }
  for (const auto& replan : json.at("replans")) {
    status.replans.push_back({replan.at("at"), replan.at("moved"), replan.at("gain"),
                              replan.at("cost"), replan.at("reason")});
  }
  for (const auto& lost : json.at("lost")) {
    status.lost.push_back({lost.at("rank"), lost.at("stage"), lost.at("at")});
  }
  if (!json.contains("slowest")) return status;  // an earlier version wrote it
  for (const auto& slow : json.at("slowest")) {
    status.slowest.push_back({slow.at("stage"), slow.at("key"), slow.at("records"), slow.at("rank"),
                              slow.at("seconds")});
  }
  return status;
}

}  // namespace sluice::observe
