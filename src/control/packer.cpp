#include "control/packer.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <random>
#include <utility>

namespace sluice::control {
namespace {

using Order = std::vector<std::size_t>;

// As many as take a second or two; few plans need a third of it.
constexpr std::uint64_t most_steps = 3'000'000;

Order descending(const std::vector<Unit>& units, const std::function<double(const Unit&)>& size) {
  Order order(units.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return size(units[a]) > size(units[b]); });
  return order;
}

Rule rule_of(const Order& order, Fill fill) {
  Rule rule;
  for (const auto stage : order) rule.push_back({stage, fill});
  return rule;
}

}  // namespace

std::vector<double> dominant_shares(const Problem& problem) {
  const auto all = amounts_in(problem.start());
  std::vector<double> shares;
  for (const auto& unit : problem.units()) shares.push_back(dominant(unit, all));
  return shares;
}

Packer::Packer(const Problem& problem)
    : problem_(problem), usable_(usable_in(problem.start(), problem.units())) {
  const auto& units = problem.units();
  const auto all = amounts_in(problem.start());
  const auto cpus = [](const Unit& unit) { return static_cast<double>(unit.cpus); };
  orders_ = {descending(units,
                        [&](const Unit& unit) {
                          return static_cast<double>(unit.gpu_count() * unit.gpu_size()) * 1e6 +
                                 cpus(unit);
                        }),
             descending(units, [&](const Unit& unit) { return dominant(unit, all); }),
             descending(units, [](const Unit& unit) { return static_cast<double>(unit.memory); })};
  for (const auto fill : {Fill::spread, Fill::tight, Fill::roomy}) {
    for (const auto& order : orders_) rules_.push_back(rule_of(order, fill));
  }
}

bool Packer::may_fit(const Counts& workers) const {
  auto more = problem_.units_of(workers);
  const auto held = units_in(problem_.start(), problem_.size());
  for (std::size_t i = 0; i < more.size(); ++i) more[i] -= held[i];
  return each_may_fit(more) && all_may_fit(more);
}

bool Packer::each_may_fit(const Counts& more) const {
  for (std::size_t i = 0; i < more.size(); ++i) {
    std::uint64_t most = 0;
    for (const auto& alike : problem_.start()) {
      most += std::min(alike.room.most(problem_.units()[i]), more[i]) * alike.nodes.size();
    }
    if (most < more[i]) return false;
  }
  return true;
}

bool Packer::all_may_fit(const Counts& more) const {
  constexpr double rounding = 1 + 1e-12;
  Amounts sum{};
  for (std::size_t i = 0; i < more.size(); ++i) {
    const auto each = amounts_of(problem_.units()[i]);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(more[i]) * each[j];
  }
  for (std::size_t j = 0; j < sum.size(); ++j) {
    if (sum[j] > usable_[j] * rounding) return false;
  }
  return true;
}

std::optional<Packing> Packer::find(const Counts& workers, Effort effort) {
  if (!may_fit(workers)) return std::nullopt;
  const auto wanted = problem_.units_of(workers);
  for (auto rule = rules_.begin(); rule != rules_.end(); ++rule) {
    if (auto found = pack(problem_.start(), problem_.units(), wanted, *rule)) {
      std::rotate(rules_.begin(), rule, rule + 1);
      return found;
    }
  }
  if (effort == Effort::quick || steps_ > most_steps) return std::nullopt;
  if (auto found = try_chance(wanted)) return found;
  if (auto found = try_repair(wanted)) return found;
  return try_search(wanted);
}

std::optional<Packing> Packer::find_tidy(const Counts& workers) const {
  const auto wanted = problem_.units_of(workers);
  for (const auto& order : orders_) {
    auto rule = rule_of(order, Fill::spread);
    for (auto& [stage, fill] : rule) {
      if (problem_.units()[stage].gpu_count() > 0) fill = Fill::tight;
    }
    if (auto found = pack(problem_.start(), problem_.units(), wanted, rule)) return found;
  }
  return std::nullopt;
}

// Sizes blurred by up to a factor of three, and a way to fill for each stage by lot. The seed is
// fixed: the same problem has the same plan.
std::optional<Packing> Packer::try_chance(const Counts& units) {
  constexpr std::size_t tries = 100;
  constexpr std::array fills{Fill::spread, Fill::tight, Fill::roomy, Fill::tight};
  std::mt19937_64 chance(1);
  const auto all = amounts_in(problem_.start());
  for (std::size_t i = 0; i < tries; ++i) {
    const auto order =
        descending(problem_.units(), [&](const Unit& unit) { return dominant(unit, all); });
    std::vector<std::pair<double, std::size_t>> blurred;
    for (const auto stage : order) {
      const double factor = 1 + 2 * static_cast<double>(chance() >> 11U) * 0x1p-53;
      blurred.emplace_back(-factor * dominant(problem_.units()[stage], all), stage);
    }
    std::sort(blurred.begin(), blurred.end());
    Rule rule;
    for (const auto& [size, stage] : blurred) {
      rule.push_back({stage, fills.at(chance() % fills.size())});
    }
    steps_ += rule.size();
    if (auto found = pack(problem_.start(), problem_.units(), units, rule)) return found;
  }
  return std::nullopt;
}

std::optional<Packing> Packer::try_repair(const Counts& units) {
  constexpr std::size_t most_nodes = 64;
  constexpr std::uint64_t steps = 500;
  if (problem_.topology().nodes.size() > most_nodes) return std::nullopt;
  const auto sizes = dominant_shares(problem_);
  std::uint64_t seed = 0;
  for (const auto& rule : rules_) {
    auto packing = problem_.start();
    for (const auto& [stage, fill] : rule) {
      place(packing, stage, problem_.units()[stage],
            units[stage] - units_in(packing, problem_.size())[stage], fill);
    }
    auto found = pack_by_repair(packing, problem_.start(), problem_.units(), units, sizes, steps,
                                ++seed, steps_);
    if (found) return found;
  }
  return std::nullopt;
}

std::optional<Packing> Packer::try_search(const Counts& units) {
  constexpr std::size_t most_nodes = 24;
  constexpr std::uint64_t budget = 20'000;
  if (problem_.topology().nodes.size() > most_nodes) return std::nullopt;
  for (const auto& order : orders_) {
    auto found = pack_by_search(problem_.start(), problem_.units(), units, order, budget, steps_);
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace sluice::control
