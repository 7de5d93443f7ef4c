#include "runtime/hang.hpp"

#include "base/safe_text.hpp"
#include "runtime/spec.hpp"
#include "runtime/stop_signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

namespace sluice::runtime {
namespace {

using control::Rank;
using control::RankState;
using control::Stall;
using control::Time;

constexpr const char* dump_name = "state-dump.txt";

double seconds(Time time) { return std::chrono::duration<double>(time).count(); }

std::string_view name_of(RankState::Doing doing) {
  constexpr std::array<std::string_view, 6> names{"idle",    "in setup_on_node", "in setup",
                                                  "waiting", "in process",       "in teardown"};
  return names.at(static_cast<std::size_t>(doing));
}

std::string stage_name(const ErasedSpec& spec, int stage) {
  if (stage < 0) return "no stage";
  return fmt::format("stage '{}'", spec.stages.at(static_cast<std::size_t>(stage)).spec.name);
}

std::string rank_name(Rank rank, const Scene& scene) {
  const auto& host = scene.hosts.at(static_cast<std::size_t>(rank));
  return host.empty() ? fmt::format("rank {}", rank) : fmt::format("rank {} on {}", rank, host);
}

// The batch that it has in process, or the next one.
std::string batch_text(const ErasedSpec& spec, const RankState& state) {
  if (const auto* batch = state.oldest()) {
    return fmt::format(" a batch from input '{}' on",
                       one_line(input_name(spec, batch->first_input)));
  }
  if (!state.due.empty()) return fmt::format(" with batch {} to take", state.due.begin()->first);
  return "";
}

// In batch mode nobody says which batch it is.
std::size_t batches_in_process(const RankState& state) {
  if (state.doing != RankState::Doing::running) return 0;
  return std::max<std::size_t>(1, state.in_process.size());
}

std::string rank_line(const ErasedSpec& spec, Rank rank, const Scene& scene) {
  const auto& state = scene.watchdog.ranks().at(static_cast<std::size_t>(rank));
  const Time at = scene.watchdog.listening();
  if (state.gone) return fmt::format("  {}: lost\n", rank_name(rank, scene));
  return fmt::format(
      "  {}: {}, {}{} for {:.1f} s; {} calls ended; holds {} batches, backlog {} records; its "
      "process was heard {:.1f} s ago, its thread {:.1f} s ago\n",
      rank_name(rank, scene), stage_name(spec, state.stage), name_of(state.doing),
      batch_text(spec, state), seconds(at - state.since), state.calls,
      state.due.size() + batches_in_process(state), state.backlog, seconds(at - state.heard),
      seconds(at - state.turned));
}

struct StageState {
  std::array<int, 6> doing{};  ///< ranks, by what they do
  std::size_t slots_held = 0;
  std::optional<Time> oldest;  ///< batch that is in process or waits for it
};

StageState state_of(int stage, const control::Watchdog& watchdog) {
  StageState found;
  const auto note = [&found](Time since) {
    found.oldest = std::min(found.oldest.value_or(since), since);
  };
  for (const auto& rank : watchdog.ranks()) {
    if (rank.stage != stage) continue;
    ++found.doing.at(static_cast<std::size_t>(rank.doing));
    found.slots_held += rank.due.size();
    if (!rank.due.empty()) note(rank.due.begin()->second);
    if (rank.doing != RankState::Doing::running) continue;
    found.slots_held += batches_in_process(rank);
    const auto* oldest = rank.oldest();
    note(oldest == nullptr ? rank.since : oldest->since);
  }
  return found;
}

std::string stage_line(const ErasedSpec& spec, std::size_t stage, const Scene& scene) {
  const auto state = state_of(static_cast<int>(stage), scene.watchdog);
  std::string workers;
  for (std::size_t i = 0; i < state.doing.size(); ++i) {
    if (state.doing[i] == 0) continue;
    workers += fmt::format("{}{} {}", workers.empty() ? "" : ", ", state.doing[i],
                           name_of(static_cast<RankState::Doing>(i)));
  }
  auto line = fmt::format("  {} '{}': {}; {} slots held; {} records wait", stage + 1,
                          spec.stages[stage].spec.name, workers.empty() ? "no workers" : workers,
                          state.slots_held, scene.waiting.at(stage).records);
  if (const auto bytes = scene.waiting[stage].bytes; bytes > 0)
    line += fmt::format(", {} B", bytes);
  if (state.oldest) {
    line += fmt::format("; the oldest batch is there for {:.1f} s",
                        seconds(scene.watchdog.listening() - *state.oldest));
  }
  return line + '\n';
}

std::string stages_text(const ErasedSpec& spec, const Scene& scene) {
  std::string text = fmt::format("{}: {} of {} inputs done, {:.1f} s after the start\n", spec.name,
                                 scene.status.done, scene.status.inputs, scene.seconds);
  for (std::size_t k = 0; k < spec.stages.size(); ++k) text += stage_line(spec, k, scene);
  return text;
}

std::string what_it_does(const ErasedSpec& spec, const Stall& stall, const RankState& state) {
  const auto* oldest = state.oldest();
  switch (stall.kind) {
    case Stall::Kind::silent:
      return state.joined
                 ? fmt::format(
                       "gives no sign of life for {:.1f} s: it is stopped, or its "
                       "node cannot be reached (heartbeat_timeout)",
                       seconds(stall.lasted))
                 : fmt::format("has not joined the run for {:.1f} s", seconds(stall.lasted));
    case Stall::Kind::untaken:
      return fmt::format("makes no progress though it has input, for {:.1f} s (stall_after)",
                         seconds(stall.lasted));
    case Stall::Kind::long_batch:
      return fmt::format(
          "has not answered a batch from input '{}' on for {:.1f} s; if the stage is only slow, "
          "give it a longer stall_after",
          one_line(input_name(spec, oldest->first_input)), seconds(stall.lasted));
    default:
      return fmt::format(
          "does not return from its code for {:.1f} s{}; if the stage is only slow, give it a "
          "longer stall_after",
          seconds(stall.lasted),
          oldest == nullptr ? std::string()
                            : fmt::format(", with a batch from input '{}' on",
                                          one_line(input_name(spec, oldest->first_input))));
  }
}

std::string culprit_text(const ErasedSpec& spec, const Stall& stall, const Scene& scene) {
  if (stall.kind == Stall::Kind::standstill) {
    return fmt::format(
        "the run hangs: nothing has happened for {:.1f} s, and no rank is in user "
        "code",
        seconds(stall.lasted));
  }
  const auto& state = scene.watchdog.ranks().at(static_cast<std::size_t>(stall.rank));
  return fmt::format("the run hangs: {} ({}, {}) {}", rank_name(stall.rank, scene),
                     stage_name(spec, state.stage), name_of(state.doing),
                     what_it_does(spec, stall, state));
}

std::string how_to_go_on(const ErasedSpec& spec) {
  const bool resumable = spec.options.mode == Mode::batch || spec.options.journal;
  if (!resumable) return "without a journal it can only be run again";
  return command_hint("sluice resume", spec.options.run_dir.string()) + " goes on with it";
}

}  // namespace

control::Patience patience_of(const ErasedSpec& spec, const transport::Transport& transport) {
  control::Patience patience;
  for (const auto& stage : spec.stages) {
    patience.stall_after.push_back(stage.spec.stall_after);
    patience.continuous.push_back(stage.spec.depth > 1);
  }
  if (transport.between_processes()) patience.silence = spec.options.heartbeat_timeout;
  return patience;
}

std::chrono::nanoseconds longest_call(const ErasedSpec& spec) {
  std::chrono::nanoseconds longest{0};
  for (const auto& stage : spec.stages) {
    if (stage.spec.stall_after.count() == 0) return std::chrono::nanoseconds::max();
    longest = std::max(longest, stage.spec.stall_after);
  }
  return longest;
}

std::string state_text(const ErasedSpec& spec, const std::string& culprit, const Scene& scene) {
  std::string text = culprit + "\n\n" + stages_text(spec, scene) + '\n';
  for (std::size_t rank = 1; rank < scene.watchdog.ranks().size(); ++rank) {
    text += rank_line(spec, static_cast<Rank>(rank), scene);
  }
  return text;
}

// Standard error comes first: the run directory may be what hangs.
std::string report_hang(const ErasedSpec& spec, const Stall& stall, const Scene& scene) {
  const auto culprit = culprit_text(spec, stall, scene);
  auto shown = stages_text(spec, scene);
  if (stall.rank > 0) shown += rank_line(spec, stall.rank, scene);
  std::fputs(shown.c_str(), stderr);
  const auto path = spec.options.run_dir / dump_name;
  std::ofstream file(path);
  file << state_text(spec, culprit, scene) << std::flush;
  return fmt::format(
      "{}. {} '{}'", culprit,
      file ? "The state of every stage and rank is in" : "It could not be written to",
      path.string());
}

std::string silent_coordinator_text(const ErasedSpec& spec, const std::string& host, Time lasted) {
  return fmt::format(
      "the run hangs: rank 0{}, the coordinator, gives no sign of life for {:.1f} s: it is "
      "stopped, or its node cannot be reached (heartbeat_timeout); {}",
      host.empty() ? "" : " on " + host, seconds(lasted), how_to_go_on(spec));
}

// Only when it begins does a run write down what it is to do.
std::string not_begun_text(const ErasedSpec& spec, int signal, const std::string& waited_for) {
  const bool goes_on = spec.options.resume || !spec.options.batch.only.empty();
  return fmt::format("stopped early by {}: it waited for {} and had done nothing yet; {}",
                     signal_name(signal), waited_for,
                     goes_on ? "what was done before is safe, and " + how_to_go_on(spec)
                             : std::string("there is nothing to resume: run it again"));
}

std::string stopped_text(const ErasedSpec& spec, int signal, const std::string& progress,
                         bool out_of_grace) {
  return fmt::format("stopped early by {}: {}{}; {}", signal_name(signal), progress,
                     out_of_grace ? " and what was in flight did not end within the grace" : "",
                     how_to_go_on(spec));
}

}  // namespace sluice::runtime
