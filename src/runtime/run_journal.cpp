#include "runtime/run_journal.hpp"

#include "store/whole_number.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace sluice::runtime {
namespace {

using Json = nlohmann::json;
using store::whole_number;

constexpr int version = 1;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// [first, count, first, count, …]
Json to_json(const store::SplitSet& set) {
  auto json = Json::array();
  for (const auto& range : set.ranges()) {
    json.push_back(range.first);
    json.push_back(range.count);
  }
  return json;
}

void add(const Json& json, auto& set) {
  for (std::size_t i = 0; i < json.size(); i += 2) {
    set.add(store::SplitRange{whole_number(json.at(i)), whole_number(json.at(i + 1))});
  }
}

// A path as the numbers that it is made of.
Json to_json(const RecordId& id) {
  auto json = Json::array({id.origin});
  const auto bytes = id.path.view();
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t number = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      number = (number << 8U) | static_cast<unsigned char>(bytes[i + k]);
    }
    json.push_back(number);
  }
  return json;
}

RecordId id_of(const Json& json) {
  RecordId id;
  id.origin = whole_number(json.at(0));
  for (std::size_t i = 1; i < json.size(); ++i) {
    id.path = id.path.child(whole_number<std::uint32_t>(json[i]));
  }
  return id;
}

Json to_json(const IdSet& ids) {
  Json json{{"whole", to_json(ids.whole())}};
  for (const auto& id : ids.split()) json["split"].push_back(to_json(id));
  return json;
}

IdSet ids_of(const Json& json) {
  IdSet ids;
  add(json.at("whole"), ids);
  for (const auto& id : json.value("split", Json::array())) ids.add(id_of(id));
  return ids;
}

Commit commit_of(const Json& json) {
  Commit commit;
  add(json.at("done"), commit.settled.done);
  add(json.value("dead", Json::array()), commit.settled.dead);
  for (const auto& part : json.value("parts", Json::array())) {
    commit.parts.push_back(
        {whole_number(part.at("stage")), part.at("folder"), whole_number(part.at("records"))});
  }
  for (const auto& written : json.value("written", Json::array())) {
    commit.written[whole_number(written.at("stage"))].add(ids_of(written.at("ids")));
  }
  return commit;
}

std::vector<Output> outputs_of(const Json& json) {
  std::vector<Output> outputs;
  for (const auto& output : json) {
    outputs.push_back({output.at("parts").get<std::vector<std::string>>(), output.at("target"),
                       whole_number(output.at("merged_by"))});
  }
  return outputs;
}

void apply(const Json& json, RunState& state) {
  if (json.contains("sluice-journal")) {
    if (whole_number<int>(json["sluice-journal"]) != version)
      throw Json::other_error::create(0, "version", nullptr);
    state.pipeline = json.at("pipeline").get<std::vector<std::string>>();
    state.inputs = whole_number(json.at("inputs"));
  }
  if (json.contains("attempt")) state.attempts = whole_number(json["attempt"]);
  if (json.contains("done")) state.add(commit_of(json));
  if (json.contains("reopened")) state.reopen();
  if (json.contains("outputs")) state.outputs = outputs_of(json["outputs"]);
  if (json.contains("finished")) state.finished = true;
}

}  // namespace

void RunState::add(Commit commit) {
  done.add(commit.settled.done);
  dead.add(commit.settled.dead);
  parts.insert(parts.end(), commit.parts.begin(), commit.parts.end());
  for (auto& [stage, ids] : commit.written) written[stage].add(ids);
  for (auto& [stage, ids] : written) ids.drop(commit.settled.done);
}

void RunState::reopen() {
  dead = {};
  finished = false;
  replaced.insert(replaced.end(), outputs.begin(), outputs.end());
  outputs.clear();
}

std::string opening_entry(const std::vector<std::string>& pipeline, std::uint64_t inputs) {
  return text_of({{"sluice-journal", version}, {"pipeline", pipeline}, {"inputs", inputs}});
}

std::string attempt_entry(std::uint64_t attempt) { return text_of({{"attempt", attempt}}); }

std::string commit_entry(const Commit& commit) {
  Json json{{"done", to_json(commit.settled.done)}};
  if (!commit.settled.dead.empty()) json["dead"] = to_json(commit.settled.dead);
  for (const auto& part : commit.parts) {
    json["parts"].push_back(
        {{"stage", part.stage}, {"folder", part.folder}, {"records", part.records}});
  }
  for (const auto& [stage, ids] : commit.written) {
    if (!ids.empty()) json["written"].push_back({{"stage", stage}, {"ids", to_json(ids)}});
  }
  return text_of(json);
}

std::string reopening_entry() { return text_of({{"reopened", true}}); }

std::string outputs_entry(const std::vector<Output>& outputs) {
  auto json = Json::array();
  for (const auto& output : outputs) {
    json.push_back(
        {{"parts", output.parts}, {"target", output.target}, {"merged_by", output.merged_by}});
  }
  return text_of({{"outputs", json}});
}

std::string finish_entry() { return text_of({{"finished", true}}); }

RunState replay(const std::vector<std::string>& entries) {
  RunState state;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    try {
      const auto json = Json::parse(entries[i]);
      if (i == 0 && !json.contains("sluice-journal"))
        throw InputError("it does not say what it is");
      apply(json, state);
    } catch (const std::exception& error) {
      throw InputError(
          fmt::format("line {} of the journal is none that this version of sluice "
                      "writes: {}",
                      i + 1, error.what()));
    }
  }
  for (auto& [stage, ids] : state.written) ids.sort();
  return state;
}

}  // namespace sluice::runtime
