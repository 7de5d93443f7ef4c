// The defaults that the tables of keys claim are those that the code has.
#include "job/known_keys.hpp"

#include "job/job_file.hpp"
#include "job/knobs.hpp"

#include <sluice/process_stage.hpp>

#include <gmock/gmock.h>

#include <variant>

namespace sluice::job {
namespace {

// Those keys whose defaults stand there as values, and not in prose.
RawTable written_defaults(const KnownKeys& keys) {
  RawTable table;
  for (const auto& key : keys.supported) {
    if (key.fallback.empty()) continue;
    auto value = parse_value(key.fallback);
    const bool prose =
        std::holds_alternative<std::string>(value.value) && !key.fallback.starts_with('"');
    if (!prose) table[key.name] = std::move(value);
  }
  return table;
}

std::string lines_of(const KnownKeys& keys, const std::string& without = {}) {
  std::string lines;
  for (const auto& key : keys.supported) {
    const bool is_written = written_defaults(keys).contains(key.name) && key.name != without;
    if (is_written) lines += key.name + " = " + key.fallback + "\n";
  }
  return lines;
}

JobFile job_with(const std::string& pipeline, const std::string& store, const std::string& stage) {
  return parse_job("[input]\nkeys = [\"a\"]\n[pipeline]\n" + pipeline + "[store]\n" + store +
                       "[[stage]]\ncommand = [\"cat\"]\n" + stage,
                   "job.toml");
}

template <class T, class... Members>
void expect_same(const T& a, const T& b, Members... members) {
  const auto check = [&](auto member) { EXPECT_EQ(a.*member, b.*member); };
  (check(members), ...);
}

TEST(KnownKeys, StagesHaveTheDefaultsOfTheTable) {
  const auto keys = written_defaults(stage_keys());
  EXPECT_GE(keys.size(), 17u);
  StageSpec written;
  written.slots = written.batch_size = written.attempts = 99;  // to be set by the table
  apply_knobs(keys, "stage.a", written);
  using S = StageSpec;
  expect_same(written, S{}, &S::batch_size, &S::cpus, &S::gpus, &S::memory, &S::spmd,
              &S::selectivity, &S::over_provision, &S::slots, &S::depth, &S::batch_wait,
              &S::byte_budget, &S::attempts, &S::on_failure, &S::setup_attempts,
              &S::max_worker_lifetime, &S::stall_after);
}

TEST(KnownKeys, ProcessesHaveTheDefaultsOfTheTable) {
  const auto job = job_with("", "", lines_of(stage_keys()));
  EXPECT_EQ(job.stages.at(0).shared_memory, ProcessOptions{}.shared_memory);
  EXPECT_EQ(job.stages.at(0).start_timeout, ProcessOptions{}.start_timeout);
}

TEST(KnownKeys, JobsHaveTheDefaultsOfTheTables) {
  const auto written = job_with(lines_of(pipeline_keys(), "run_dir"), lines_of(store_keys()), "");
  const auto silent = job_with("", "", "");
  using J = JobFile;
  expect_same(written, silent, &J::mode, &J::autoscale, &J::commit_every, &J::max_dead_letters,
              &J::grace, &J::heartbeat_timeout);
  using B = BatchOptions;
  expect_same(written.batch, silent.batch, &B::compress, &B::keep_intermediates, &B::publish_every);
}

TEST(KnownKeys, EveryKeyIsDescribed) {
  for (const auto* keys : {&pipeline_keys(), &input_keys(), &store_keys(), &stage_keys(),
                           &model_keys(), &env_keys(), &artifact_keys()}) {
    for (const auto& key : keys->supported) {
      EXPECT_FALSE(key.type.empty()) << key.name;
      EXPECT_FALSE(key.help.empty()) << key.name;
    }
  }
}

TEST(KnownKeys, WhatStagesShareIsOfStages) {
  const auto names = names_of(stage_keys().supported);
  for (const auto& name : common_stage_keys()) EXPECT_THAT(names, ::testing::Contains(name));
}

}  // namespace
}  // namespace sluice::job
