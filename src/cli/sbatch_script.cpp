#include "cli/sbatch_script.hpp"

#include "base/capture.hpp"
#include "base/safe_text.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sluice::cli {
namespace {

// All that comes after what is asked for; jobs/slurm/requeue.sbatch says the same by hand.
constexpr const char* after_launch = R"sh(launcher=$!
# Slurm tells this script, and the script tells all ranks: they finish what is in flight and commit.
trap 'kill -USR1 $launcher 2>/dev/null' USR1 TERM
code=0
while kill -0 $launcher 2>/dev/null; do
  wait $launcher
  code=$?
done

# 9: stopped early, to be resumed. 10, 11 and signals: a rank or a node may have been lost.
restarts=0
case $code in
  9) restarts=100 ;;
  10 | 11 | 1[2-9][0-9]) restarts=5 ;;
esac
# A job that was cancelled is not running any more.
if [ "${SLURM_RESTART_COUNT:-0}" -lt $restarts ] &&
  [ "$(squeue -h -j "$SLURM_JOB_ID" -o %T)" = RUNNING ]; then
  scontrol requeue "$SLURM_JOB_ID"
  sleep 60 # which Slurm ends
fi
exit $code
)sh";

// In batch mode one stage after the other has them all.
std::vector<std::uint64_t> ranks_by_node(const PlanReport& report) {
  std::vector<std::uint64_t> ranks(report.topology.nodes.size());
  for (const auto& stage : report.plan.stages) {
    for (const auto& share : stage.shares) {
      auto& here = ranks[share.node];
      here = report.batch ? std::max(here, share.ranks) : here + share.ranks;
    }
  }
  return ranks;
}

std::string workers_text(const PlanReport& report) {
  std::string text;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", report.stages[i].name,
                        report.plan.stages[i].workers);
  }
  return text;
}

double cores_of_a_node(const PlanReport& report) {
  return report.topology.nodes.front().cpus + report.reserved;
}

void require_alike(const PlanReport& report) {
  const auto& nodes = report.topology.nodes;
  const auto gpus = nodes.front().gpus;
  const bool alike = std::all_of(nodes.begin() + 1, nodes.end(), [&](const control::Node& node) {
    return node.cpus == cores_of_a_node(report) && node.gpus == gpus;
  });
  if (alike) return;
  throw UsageError(
      "the nodes are of several sorts, which one script cannot ask Slurm for; give --topology one "
      "sort, such as 4x(64c,8g), or write a script for a heterogeneous job by hand");
}

void size_ranks(const PlanReport& report, SbatchRequest& request) {
  const auto ranks = ranks_by_node(report);
  const auto& node = report.topology.nodes.front();
  const auto cores =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(cores_of_a_node(report)));
  request.nodes = ranks.size();
  request.ranks_per_node = ranks.front() + 1;
  for (const auto here : ranks) request.ranks_per_node = std::max(request.ranks_per_node, here);
  request.overcommit = request.ranks_per_node > cores;
  request.cpus_per_rank = std::max<std::uint64_t>(1, cores / request.ranks_per_node);
  request.gpus_per_node = node.gpus;
  request.reasons.push_back(fmt::format(
      "workers{}: {}", report.batch ? ", one stage at a time" : "", workers_text(report)));
  request.reasons.push_back(
      fmt::format("ranks: {} on each of {} nodes of {} cores and {} GPUs; one of all coordinates",
                  request.ranks_per_node, request.nodes, cores, node.gpus));
  if (request.overcommit) {
    request.reasons.emplace_back("there are more ranks than cores: they share whole nodes");
  }
}

void size_time(const PlanReport& report, SbatchRequest& request) {
  if (!request.time.empty()) {
    request.reasons.push_back("time: " + request.time + ", as you say");
    return;
  }
  if (!report.speeds_are_known() || !report.inputs) {
    request.reasons.push_back(
        fmt::format("time: the site's default, since {}",
                    report.inputs ? "not every stage's speed is declared" : report.no_input));
    return;
  }
  const auto seconds = static_cast<double>(*report.inputs) / report.plan.throughput;
  constexpr double margin = 1.5;
  constexpr double start = 600;
  request.time = fmt::format("{:.0f}", std::ceil((margin * seconds + start) / 60));
  request.reasons.push_back(
      fmt::format("time: {} inputs at {:.4g}/s take {:.0f} min; half as much again and 10 min to "
                  "start make {} min",
                  *report.inputs, report.plan.throughput, std::ceil(seconds / 60), request.time));
}

std::string asked_for(const SbatchRequest& request) {
  auto text = fmt::format(
      "#SBATCH --job-name={}\n#SBATCH --nodes={}\n#SBATCH --ntasks-per-node={}\n"
      "#SBATCH --cpus-per-task={}\n",
      shell_quoted(one_line(request.name)), request.nodes, request.ranks_per_node,
      request.cpus_per_rank);
  if (request.overcommit) text += "#SBATCH --overcommit --exclusive\n";
  if (request.gpus_per_node > 0) {
    text += fmt::format("#SBATCH --gpus-per-node={}\n", request.gpus_per_node);
  }
  if (!request.time.empty()) text += fmt::format("#SBATCH --time={}\n", request.time);
  return text +
         "#SBATCH --signal=B:USR1@120      # this script is told two minutes before the end\n"
         "#SBATCH --requeue\n#SBATCH --open-mode=append\n";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + shell_quoted(word);
  return text;
}

}  // namespace

SbatchRequest sized_request(const PlanReport& report, const std::string& time) {
  require_alike(report);
  SbatchRequest request;
  request.name = report.job;
  request.time = time;
  size_ranks(report, request);
  size_time(report, request);
  return request;
}

std::string sbatch_script(const SbatchRequest& request, const std::vector<std::string>& sluice_run,
                          const std::vector<std::string>& flags) {
  std::string text = "#!/usr/bin/env bash\n";
  for (const auto& reason : request.reasons) text += "# " + one_line(reason) + "\n";
  text += asked_for(request);
  if (!flags.empty()) text += "#SBATCH " + joined(flags) + "\n";
  text +=
      "\n# Without this, srun gives each task one core, whatever the job has.\n"
      "export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}\n";
  text += fmt::format("srun --mpi=pmix --cpu-bind=none{} {} --resume &\n",
                      request.overcommit ? " --overcommit" : "", joined(sluice_run));
  return text + after_launch;
}

}  // namespace sluice::cli
