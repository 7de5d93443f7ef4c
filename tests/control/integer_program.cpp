#include "control/integer_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace sluice::control::world {
namespace {

bool holds_group(const StageDemand& stage, const Node& node) {
  const auto ranks = static_cast<double>(stage.group);
  if (ranks * stage.cpus > node.cpus + 1e-9) return false;
  if (node.memory > 0 && stage.memory * stage.group > node.memory) return false;
  if (node.workers && stage.group > *node.workers) return false;
  if (stage.gpus >= 1) return ranks * stage.gpus <= static_cast<double>(node.gpus);
  if (stage.gpus == 0) return true;
  return ranks <= static_cast<double>(node.gpus) * std::floor(1 / stage.gpus + 1e-9);
}

/// Writes the program in CPLEX's LP format.
class Program {
 public:
  Program(const std::vector<StageDemand>& stages, const Topology& topology)
      : stages_(stages), nodes_(topology.nodes) {
    for (const auto& stage : stages) {
      const bool whole = std::any_of(nodes_.begin(), nodes_.end(),
                                     [&](const Node& node) { return holds_group(stage, node); });
      unit_.push_back(whole ? stage.group : 1);
      pieces_.push_back(whole ? 1 : stage.group);
    }
  }

  std::string text() {
    for (std::size_t s = 0; s < stages_.size(); ++s) limit_by_stage(s);
    for (std::size_t n = 0; n < nodes_.size(); ++n) limit_by_node(n);
    return "Maximize\n obj: T\nSubject To\n" + rows_ + "Bounds\n T >= 0\n" + bounds_ +
           "Generals\n" + integers_ + "End\n";
  }

 private:
  std::string units(std::size_t s, std::size_t n) const { return fmt::format("x{}_{}", s, n); }
  std::string parts(std::size_t s, std::size_t n, std::uint64_t g) const {
    return fmt::format("p{}_{}_{}", s, n, g);
  }
  void row(const std::string& text) { rows_ += " " + text + "\n"; }
  bool fractional(std::size_t s) const { return stages_[s].gpus > 0 && stages_[s].gpus < 1; }

  void limit_by_stage(std::size_t s) {
    const auto& stage = stages_[s];
    const auto flow = flows(stages_)[s];
    std::string sum;
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      sum += fmt::format(" + {}", units(s, n));
      integers_ += fmt::format(" {}\n", units(s, n));
      if (stage.workers_per_node && (stage.gpus == 0 || nodes_[n].gpus > 0)) {
        row(fmt::format("{} = {}", units(s, n), *stage.workers_per_node * pieces_[s]));
      } else if (stage.workers_per_node) {
        row(fmt::format("{} = 0", units(s, n)));
      }
    }
    row(fmt::format("{} - {} w{} = 0", sum, pieces_[s], s));
    integers_ += fmt::format(" w{}\n", s);
    if (stage.workers) row(fmt::format("w{} = {}", s, *stage.workers));
    bounds_ += fmt::format(" w{} >= 1\n", s);
    row(fmt::format("T - {:.12g} w{} <= 0", *stage.speed / (flow * stage.over_provision), s));
  }

  void limit_by_node(std::size_t n) {
    std::string cpus;
    std::string memory;
    std::string ranks;
    std::string gpus;
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const auto unit = static_cast<double>(unit_[s]);
      cpus += fmt::format(" + {:.12g} {}", unit * stages_[s].cpus, units(s, n));
      memory += fmt::format(" + {:.12g} {}", unit * static_cast<double>(stages_[s].memory) / 0x1p30,
                            units(s, n));
      ranks += fmt::format(" + {} {}", unit_[s], units(s, n));
      if (stages_[s].gpus >= 1)
        gpus += fmt::format(" + {} {}", unit * stages_[s].gpus, units(s, n));
      if (fractional(s)) share_gpus(s, n);
    }
    row(fmt::format("{} <= {:.12g}", cpus, nodes_[n].cpus));
    if (nodes_[n].memory > 0) {
      row(fmt::format("{} <= {:.12g}", memory, static_cast<double>(nodes_[n].memory) / 0x1p30));
    }
    if (nodes_[n].workers) row(fmt::format("{} <= {}", ranks, *nodes_[n].workers));
    limit_gpus(n, gpus);
  }

  // Each rank of a unit takes a part of one GPU.
  void share_gpus(std::size_t s, std::size_t n) {
    std::string sum;
    for (std::uint64_t g = 0; g < nodes_[n].gpus; ++g) {
      sum += fmt::format(" + {}", parts(s, n, g));
      integers_ += fmt::format(" {}\n", parts(s, n, g));
    }
    row(fmt::format("{} - {} {} = 0", sum, unit_[s], units(s, n)));
  }

  // A GPU is open to parts, or left to those who take it whole.
  void limit_gpus(std::size_t n, std::string whole) {
    for (std::uint64_t g = 0; g < nodes_[n].gpus; ++g) {
      const auto open = fmt::format("o{}_{}", n, g);
      std::string sum;
      for (std::size_t s = 0; s < stages_.size(); ++s) {
        if (fractional(s)) sum += fmt::format(" + {:.12g} {}", stages_[s].gpus, parts(s, n, g));
      }
      if (!sum.empty()) row(fmt::format("{} - {} <= 0", sum, open));
      if (g > 0) row(fmt::format("{} - o{}_{} <= 0", open, n, g - 1));
      whole += fmt::format(" + {}", open);
      integers_ += fmt::format(" {}\n", open);
      bounds_ += fmt::format(" {} <= 1\n", open);
    }
    if (!whole.empty()) row(fmt::format("{} <= {}", whole, nodes_[n].gpus));
  }

  const std::vector<StageDemand>& stages_;
  const std::vector<Node>& nodes_;
  std::vector<std::uint64_t> unit_;
  std::vector<std::uint64_t> pieces_;
  std::string rows_;
  std::string bounds_;
  std::string integers_;
};

// "Optimal - objective value 1.5", or Infeasible, Integer infeasible, Stopped on time; then a line
// for each variable that is not 0: number, name, value, cost.
Solved read_solution(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error("cbc left no solution");
  Solved solved;
  solved.proven = line.find("Stopped") == std::string::npos;
  if (line.find("nfeasible") != std::string::npos) return solved;
  solved.feasible = solved.proven;
  std::string number;
  std::string name;
  std::string value;
  std::string cost;
  while (file >> number >> name >> value >> cost) {
    if (number == "**") continue;
    if (name == "T") solved.throughput = std::stod(value);
  }
  solved.feasible = solved.throughput > 0;
  return solved;
}

int run_cbc(const std::filesystem::path& folder, double seconds, const std::string& options) {
  const auto command = fmt::format(
      "cd '{}' && '{}' problem.lp {} sec {} ratio 0 solve solution "
      "solution.txt > log.txt 2>&1",
      folder.string(), SLUICE_CBC, options, seconds);
  return std::system(command.c_str());
}

}  // namespace

Solved solve_by_cbc(const std::vector<StageDemand>& stages, const Topology& topology,
                    double seconds) {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("sluice-cbc-{}", ::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "problem.lp") << Program(stages, topology).text();
  // Now and then CBC stops at an assertion of its own about the order in which it solves; then
  // without presolve.
  if (run_cbc(folder, seconds, "") != 0 && run_cbc(folder, seconds, "presolve off") != 0) {
    throw std::runtime_error("cbc failed; see " + folder.string());
  }
  const auto solved = read_solution(folder / "solution.txt");
  std::filesystem::remove_all(folder);
  return solved;
}

double objective(const std::vector<StageDemand>& stages,
                 const std::vector<std::uint64_t>& workers) {
  double least = std::numeric_limits<double>::infinity();
  const auto reaching = flows(stages);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    least = std::min(least, static_cast<double>(workers[i]) * *stages[i].speed /
                                (reaching[i] * stages[i].over_provision));
  }
  return least;
}

}  // namespace sluice::control::world
