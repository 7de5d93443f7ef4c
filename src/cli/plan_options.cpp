#include "cli/options.hpp"

#include <fmt/format.h>

#include <string>

namespace sluice::cli {
namespace {

constexpr const char* topology_forms = "16x(64c,8g), 2x(64c,8g,512GiB)+4x(128c), or a TOML file";

// CLI::Range lets NaN through.
CLI::Validator between(double least, double most) {
  const auto range = fmt::format("a number from {:g} to {:g}", least, most);
  return {[=](const std::string& text) {
            double value = 0;
            const bool fits =
                CLI::detail::lexical_cast(text, value) && value >= least && value <= most;
            return fits ? std::string() : fmt::format("'{}' is not {}", text, range);
          },
          ""};
}

void define_topology(CLI::App& command, std::string& topology, const std::string& what) {
  command.add_option("--topology", topology, what + ": " + topology_forms)->type_name("NODES");
}

void define_slowness(CLI::App& command, SimulateArguments& arguments) {
  command
      .add_option("--slow", arguments.slow,
                  "From AT on the stage takes FACTOR times as long; may be repeated")
      ->type_name("STAGE:AT:FACTOR")
      ->allow_extra_args(false);
  command
      .add_option("--slow-rank", arguments.slow_ranks,
                  "The rank takes FACTOR times as long; may be repeated")
      ->type_name("RANK:FACTOR")
      ->allow_extra_args(false);
}

void define_network(CLI::App& command, SimulateArguments& arguments) {
  command.add_option("--latency", arguments.latency, "Of a message, in seconds")
      ->type_name("SECONDS")
      ->check(between(0, 3600));
  command.add_option("--bandwidth", arguments.bandwidth, "Of a link, in bytes/s")
      ->type_name("BYTES/S")
      ->check(between(1, 1e15));
  command
      .add_option("--handling", arguments.handling,
                  "What a control message takes the coordinator, in seconds")
      ->type_name("SECONDS")
      ->check(between(0, 3600));
}

}  // namespace

void define_plan(CLI::App& command, PlanArguments& arguments) {
  define_job(command, arguments.job);
  define_mode(command, arguments.job);
  define_topology(command, arguments.topology, "Plan for these nodes instead of those here");
  command.add_flag("--explain", arguments.explain, "Say how the plan came about");
  command.add_flag("--json", arguments.json, "Print JSON");
}

void define_simulate(CLI::App& command, SimulateArguments& arguments) {
  define_job(command, arguments.job);
  command
      .add_option("--workers", arguments.workers, "Worker ranks on one node, without --topology")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}).description(""));
  define_topology(command, arguments.topology, "The nodes");
  command.add_option("--seed", arguments.seed, "Another seed, another course; the same, the same")
      ->type_name("N");
  command.add_option("--inputs", arguments.inputs, "So many inputs instead of the job's")
      ->type_name("N")
      ->check(between(1, 1e8));
  command.add_option("--until", arguments.until, "Stop after so many virtual seconds")
      ->type_name("SECONDS")
      ->check(between(1e-3, 1e7));
  define_slowness(command, arguments);
  define_network(command, arguments);
  command.add_flag("--json", arguments.json, "Print JSON");
}

}  // namespace sluice::cli
