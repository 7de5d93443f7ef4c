#include "job/check_settings.hpp"
#include "job/known_keys.hpp"
#include "job/read_file.hpp"
#include "job/toml_value.hpp"
#include "job/topology.hpp"

#include <cmath>

namespace sluice::job {
namespace {

constexpr std::string_view hint = "docs/topology.md describes the keys";

std::uint64_t whole(const RawTable& keys, const std::string& key, std::uint64_t least,
                    std::uint64_t most, std::uint64_t otherwise) {
  const auto it = keys.find(key);
  if (it == keys.end()) return otherwise;
  auto number = to_integer(it->second);
  if (number &&
      (*number < static_cast<std::int64_t>(least) || *number > static_cast<std::int64_t>(most))) {
    number.reset();
  }
  return static_cast<std::uint64_t>(
      require(number, it->second, "node." + key,
              fmt::format("a whole number between {} and {}", least, most)));
}

double cpus_at(const RawTable& keys, const Place& place) {
  const auto it = keys.find("cpus");
  if (it == keys.end()) {
    throw UsageError(
        fmt::format("{}: a node does not say how many cores it has; add cpus = 64", place.text()));
  }
  auto cpus = to_number(it->second);
  if (cpus && !(*cpus > 0 && *cpus <= most_cpus)) cpus.reset();
  return require(cpus, it->second, "node.cpus", "a number of cores above 0, such as 64");
}

void add_entry(const toml::table& table, control::Topology& topology) {
  static const KnownKeys known{
      {{"name"}, {"count"}, {"cpus"}, {"gpus"}, {"gpu_memory"}, {"memory"}, {"workers"}}, {}};
  const auto keys = raw_table(table);
  refuse_unknown_keys(keys, "node.", known, hint);
  control::Node node;
  node.cpus = cpus_at(keys, place_of(table));
  node.gpus = whole(keys, "gpus", 0, most_gpus, 0);
  if (const auto it = keys.find("gpu_memory"); it != keys.end()) {
    node.gpu_memory =
        require(to_size(it->second), it->second, "node.gpu_memory", wanted_of(SettingType::size));
  }
  if (const auto it = keys.find("memory"); it != keys.end()) {
    node.memory =
        require(to_size(it->second), it->second, "node.memory", wanted_of(SettingType::size));
  }
  if (keys.contains("workers")) node.workers = whole(keys, "workers", 0, 1'000'000, 0);
  if (const auto it = keys.find("name"); it != keys.end()) {
    node.name = require(to_text(it->second), it->second, "node.name", "a name, such as \"gpu\"");
  }
  add_nodes(topology, node, whole(keys, "count", 1, most_nodes, 1));
}

Buffer read_topology_text(const std::filesystem::path& file) {
  try {
    return read_file(file);
  } catch (const InputError& error) {
    throw UsageError(
        fmt::format("{}; --topology wants the path of a TOML file, or a text such as 16x(64c,8g)",
                    error.what()));
  }
}

}  // namespace

control::Topology load_topology(const std::filesystem::path& file) {
  const auto root = parse_toml(read_topology_text(file).view(), file.string());
  refuse_unknown_keys(raw_table(root), "", {{{"node"}}, {}}, hint);
  control::Topology topology;
  if (const auto* node = root.get("node")) {
    const auto* entries = node->as_array();
    if (entries == nullptr) throw_wrong_value(raw_value(*node), "node", "tables headed [[node]]");
    for (const auto& entry : *entries) {
      const auto* table = entry.as_table();
      if (table == nullptr) throw_wrong_value(raw_value(entry), "node", "tables headed [[node]]");
      add_entry(*table, topology);
    }
  }
  if (!topology.nodes.empty() && topology.nodes.size() <= most_nodes) return topology;
  throw UsageError(
      fmt::format("{}: the topology has {} nodes; it needs between 1 and {}, each in a "
                  "table headed [[node]]",
                  file.string(), topology.nodes.size(), most_nodes));
}

}  // namespace sluice::job
