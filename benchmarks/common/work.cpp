#include "common/work.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>

namespace sluice::bench {
namespace {

constexpr std::uint64_t seed = 1;

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Work::Kind kind_of(const std::string& name) {
  if (name == "none") return Work::Kind::none;
  if (name == "sleep") return Work::Kind::sleep;
  if (name == "burn") return Work::Kind::burn;
  throw std::invalid_argument("no work '" + name + "'; there are none, sleep and burn");
}

// Seconds that the stage needs for all records that reach it.
double total_seconds(const Chain& chain, std::size_t stage) {
  const auto work = chain.work(stage);
  const auto reaching = stage == 0 ? chain.records : chain.leaving();
  if (work.sigma == 0) return work.seconds * static_cast<double>(reaching);
  double total = 0;
  for (std::uint64_t i = 0; i < reaching; ++i) total += work.seconds_for(stage, i);
  return total;
}

template <class T>
const T& at_or_last(const std::vector<T>& values, std::size_t i) {
  return values.at(std::min(i, values.size() - 1));
}

}  // namespace

Work Work::parse(const std::string& text) {
  const auto colon = text.find(':');
  Work work{kind_of(text.substr(0, colon)), 0, 0};
  if (work.kind == Kind::none) return work;
  if (colon == std::string::npos) throw std::invalid_argument("'" + text + "' has no seconds");
  const auto wave = text.find('~');
  work.seconds = std::stod(text.substr(colon + 1, wave - colon - 1));
  if (wave != std::string::npos) work.sigma = std::stod(text.substr(wave + 1));
  return work;
}

double Work::seconds_for(std::uint64_t stage, std::uint64_t number) const {
  if (sigma == 0) return seconds;
  std::seed_seq seeds{seed, stage, number};
  std::minstd_rand random(seeds);
  return std::lognormal_distribution(std::log(seconds) - sigma * sigma / 2, sigma)(random);
}

void Work::spend(std::uint64_t stage, std::uint64_t number) const {
  if (kind == Kind::none) return;
  const double wanted = seconds_for(stage, number);
  if (kind == Kind::sleep) return sleep_precisely(wanted);
  for (const double end = thread_cpu_seconds() + wanted; thread_cpu_seconds() < end;) {
  }
}

void Chain::add_to(CLI::App& app) {
  app.add_option("--title", title, "begins the names of the results");
  app.add_option("--work", works,
                 "of each stage: none, sleep:SECONDS, burn:SECONDS, sleep:MEAN~SIGMA; the last one "
                 "is that of all stages after it")
      ->delimiter(',');
  app.add_option("--stages", stages)->check(CLI::Range(1, 100));
  app.add_option("--workers", workers, "of each stage, likewise")->delimiter(',');
  app.add_option("--bytes", bytes, "of the item that the first stage makes");
  app.add_option("--records", records)->check(CLI::Range(10, 1000000000));
  app.add_option("--outputs", outputs, "that the first stage makes of each record");
  app.add_flag("--hops", hops, "measure the time between stages");
  app.add_flag("--json", json, "print JSON, one object a line");
}

Work Chain::work(std::size_t stage) const { return Work::parse(at_or_last(works, stage)); }

std::size_t Chain::workers_of(std::size_t stage) const { return at_or_last(workers, stage); }

std::size_t Chain::all_workers() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < stages; ++i) count += workers_of(i);
  return count;
}

bool Chain::has_work() const { return std::isfinite(speed_of_light()); }

double Chain::speed_of_light() const {
  double slowest = 0;
  double all = 0;
  double cpu = 0;
  for (std::size_t i = 0; i < stages; ++i) {
    const double total = total_seconds(*this, i);
    all += total;
    slowest = std::max(slowest, total / static_cast<double>(workers_of(i)));
    if (work(i).kind == Work::Kind::burn) cpu += total;
  }
  if (fused) slowest = all / static_cast<double>(all_workers());
  slowest = std::max(slowest, cpu / std::thread::hardware_concurrency());
  return slowest > 0 ? static_cast<double>(leaving()) / slowest
                     : std::numeric_limits<double>::infinity();
}

double steady_rate(std::vector<double> ends) {
  std::sort(ends.begin(), ends.end());
  const auto skipped = ends.size() / 10;
  const double seconds = ends.back() - ends[skipped];
  return seconds > 0 ? static_cast<double>(ends.size() - skipped - 1) / seconds : 0;
}

std::vector<Result> results_of(const Chain& chain, const Course& course) {
  const auto name = [&](const char* what) {
    return fmt::format("{}{}: {}", chain.title, what, course.system);
  };
  const auto [first, last] = std::minmax_element(course.ends.begin(), course.ends.end());
  const double rate = steady_rate(course.ends);
  std::vector<Result> results{{name(""), rate, "records/s"}};
  if (chain.has_work()) {
    const double light = chain.speed_of_light();
    const double ideal = static_cast<double>(chain.leaving()) / light;
    results.push_back({name(", share of the speed of light"), rate / light, "of 1"});
    results.push_back(
        {name(", share of the ideal time, whole run"), ideal / (*last - course.start), "of 1"});
  }
  results.push_back({name(", first record done"), *first - course.start, "s"});
  results.push_back({name(", last record done"), *last - course.start, "s"});
  if (course.launch) {
    results.push_back({name(", launch to first record done"), *first - *course.launch, "s"});
  }
  if (!course.hops.empty()) {
    results.push_back({name(", hop p50"), quantile(course.hops, 0.5) * 1e6, "µs"});
    results.push_back({name(", hop p99"), quantile(course.hops, 0.99) * 1e6, "µs"});
  }
  for (auto& result : results) result.note = course.note;
  return results;
}

}  // namespace sluice::bench
