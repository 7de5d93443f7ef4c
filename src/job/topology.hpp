#pragma once

#include "control/topology.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::job {

/// "16x(64c,8g)": sixteen nodes with 64 cores and 8 GPUs each. "(64c,512GiB)" has 512 GiB of
/// memory,
/// "(64c,32w)" room for 32 worker ranks, and "2x(64c,8g)+4x(128c)" is a sum. Throws UsageError
/// showing the part that makes no sense.
control::Topology parse_topology(std::string_view text);

/// The nodes of a TOML file (docs/topology.md). Throws UsageError naming file, line and key.
control::Topology load_topology(const std::filesystem::path& file);

/// What `--topology TEXT` means: a file if it ends with .toml, else a generated topology.
control::Topology topology_option(const std::string& text);

/// Appends `count` equal nodes, named after their place in the topology, or PREFIX-0, PREFIX-1, …
void add_nodes(control::Topology& topology, control::Node node, std::uint64_t count);

inline constexpr std::uint64_t most_nodes = 100'000;
inline constexpr double most_cpus = 1e5;
inline constexpr std::uint64_t most_gpus = 1024;

}  // namespace sluice::job
