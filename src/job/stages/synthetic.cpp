#include "job/stages/kinds.hpp"
#include "job/stages/service_time.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

namespace sluice::job {
namespace {

double probability(const Settings& settings, const char* name) {
  const double value = settings.number(name);
  if (value >= 0 && value <= 1) return value;
  throw UsageError(fmt::format("settings.{} = {} must be a probability, from 0 to 1", name, value));
}

std::size_t output_count(const Settings& settings) {
  const auto count = settings.integer("outputs");
  if (count >= 1) return static_cast<std::size_t>(count);
  throw UsageError(
      fmt::format("settings.outputs = {} must be at least 1; settings.drop makes a filter", count));
}

// Bytes of which every eight differ, at the speed of memory.
Buffer make_bytes(std::size_t size, Dice dice) {
  Buffer bytes(size);
  auto* to = bytes.mutable_data();
  std::uint64_t word = dice.next();
  for (std::size_t left = size; left > 0;) {
    const std::size_t part = std::min(left, sizeof word);
    std::memcpy(to, &word, part);
    to += part;
    left -= part;
    word += 0x9e3779b97f4a7c15U;
  }
  return bytes;
}

class Synthetic final : public RecordStage {
 public:
  explicit Synthetic(const Settings& settings)
      : seed_(static_cast<std::uint64_t>(settings.integer("seed"))),
        service_(settings),
        spender_(settings.boolean("burn")),
        setup_(settings.duration("setup")),
        node_setup_(settings.duration("node_setup")),
        output_bytes_(settings.size("output_bytes")),
        outputs_(output_count(settings)),
        fail_(probability(settings, "fail")),
        fail_times_(settings.integer("fail_times")),
        fail_setup_(probability(settings, "fail_setup")),
        drop_(probability(settings, "drop")) {}

  void setup_on_node(const WorkerContext&) override { spender_.spend(node_setup_); }
  void setup(const WorkerContext& context) override {
    spender_.spend(setup_);
    static std::atomic<std::uint64_t> setups{0};
    const auto one = fmt::format("{}/{}", context.rank, setups++);
    if (happens(fail_setup_, one, "fail_setup")) {
      throw StageError(
          fmt::format("synthetic failure of a setup (settings.fail_setup = {})", fail_setup_));
    }
  }

  void process(Batch<Record>& batch, Emitter<Record>& out) override {
    std::chrono::nanoseconds time(0);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      time += service_.of(seed_, batch[i].key);
      if (happens(fail_, batch[i].key, "fail") && fails_again(batch[i].key)) {
        spender_.spend(time);
        throw RecordError(i, fmt::format("synthetic failure (settings.fail = {})", fail_));
      }
      if (!happens(drop_, batch[i].key, "drop")) emit(i, std::move(batch[i]), out);
    }
    spender_.spend(time);
  }

 private:
  bool happens(double chance, const std::string& key, std::string_view what) const {
    return chance > 0 && Dice(seed_, key, what).uniform() < chance;
  }

  bool fails_again(const std::string& key) {
    return fail_times_ <= 0 || ++failures_[key] <= fail_times_;
  }

  void emit(std::size_t from, Record record, Emitter<Record>& out) const {
    if (outputs_ == 1) return emit_one(from, std::move(record), out);
    const std::string parent = record.key;
    for (std::size_t i = 0; i < outputs_; ++i) {
      record.key = fmt::format("{}/{}", parent, i);
      emit_one(from, record, out);
    }
  }

  void emit_one(std::size_t from, Record record, Emitter<Record>& out) const {
    if (output_bytes_ > 0) {
      record.set("bytes", make_bytes(output_bytes_, Dice(seed_, record.key, "bytes")));
    }
    out.emit(from, std::move(record));
  }

  std::uint64_t seed_;
  ServiceTime service_;
  Spender spender_;
  std::chrono::nanoseconds setup_;
  std::chrono::nanoseconds node_setup_;
  std::size_t output_bytes_;
  std::size_t outputs_;
  double fail_;
  std::int64_t fail_times_;
  double fail_setup_;
  std::map<std::string, std::int64_t> failures_;  ///< of records, with fail_times
  double drop_;
};

}  // namespace

StageKind synthetic_kind() {
  StageKind kind;
  kind.name = "synthetic";
  kind.help =
      "Stands in for real work in tests and benchmarks: takes time, and makes, splits, drops or "
      "refuses records, all decided by the seed and the record's key.";
  kind.settings = {
      {"service", SettingType::string, "none",
       "how the time per record is distributed: none, fixed, exponential, lognormal or bimodal"},
      {"mean", SettingType::duration, "10ms", "mean time per record, whatever the distribution"},
      {"sigma", SettingType::number, "1.0", "lognormal: standard deviation of the logarithm"},
      {"slow_share", SettingType::number, "0.1", "bimodal: share of the records that are slow"},
      {"slow_factor", SettingType::number, "10.0", "bimodal: how many times longer those take"},
      {"burn", SettingType::boolean, "false", "spend the time computing instead of asleep"},
      {"setup", SettingType::duration, "0s", "time that each worker's setup takes"},
      {"node_setup", SettingType::duration, "0s", "time that each node's setup takes"},
      {"output_bytes", SettingType::size, "0",
       "size of the bytes field set on each output; 0 sets none"},
      {"outputs", SettingType::integer, "1",
       "outputs a record, with keys KEY/0, KEY/1, … if several"},
      {"drop", SettingType::number, "0.0", "probability that a record is dropped"},
      {"fail", SettingType::number, "0.0", "probability that a record makes the stage throw"},
      {"fail_times", SettingType::integer, "0",
       "how often such a record does so to a worker before it passes; 0: always"},
      {"fail_setup", SettingType::number, "0.0", "probability that a worker's setup throws"},
      {"seed", SettingType::integer, "0", "another seed, other times and victims"},
  };
  kind.make = [](const Settings& settings) { return std::make_unique<Synthetic>(settings); };
  return kind;
}

}  // namespace sluice::job
