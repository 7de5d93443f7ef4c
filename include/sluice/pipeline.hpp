#pragma once

#include <sluice/any_stage.hpp>
#include <sluice/artifact.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace sluice {

/// What becomes of a record that cannot be processed (docs/failures.md).
enum class OnFailure {
  fail,        ///< the run stops, naming the stage and the record
  dead_letter  ///< it is written down in "dead_letters.jsonl", and the run goes on without it
};

/// Where a stage wants the payloads of its records when it is called (docs/gpu.md).
enum class Inputs { host, device };

/// The knobs of a stage; everything has a default.
struct StageSpec {
  std::string name = {};             ///< "stage-1", "stage-2", … when left empty
  std::size_t batch_size = 1;        ///< most records given to one call of `process`
  std::optional<double> speed = {};  ///< records/s of one worker; absent: an equal share
  double selectivity = 1.0;          ///< records out per record in, for planning
  double over_provision = 1.0;       ///< plan this many times the capacity needed
  double cpus = 1.0;                 ///< cores that one worker keeps busy
  double gpus = 0;                   ///< GPUs of one worker: a part below 1, or whole ones
  std::uint64_t gpu_memory = 0;      ///< bytes that one worker needs on each GPU that it uses
  std::uint64_t memory = 0;          ///< bytes that one worker needs, for planning
  std::size_t spmd = 1;              ///< ranks that make up one worker; each has all of these
  std::optional<std::size_t> workers = {};           ///< pins the number of workers
  std::optional<std::size_t> workers_per_node = {};  ///< pins it per node
  std::size_t slots = 2;  ///< input slots: one in process, the others prefetched
  /// How many batches a worker's stage may have in process at once; above 1 it must be a
  /// ContinuousStage. In streaming mode; in the others it gets one at a time.
  std::size_t depth = 1;
  Inputs inputs = Inputs::host;  ///< on the device: buffers of 4 KiB and more, if there is a GPU
  /// How long an idle worker waits for a partial batch to fill.
  std::chrono::nanoseconds batch_wait = std::chrono::milliseconds(100);
  /// Bytes that may be on their way to the stage or wait there; one batch always may. 0: no limit.
  std::uint64_t byte_budget = 0;
  /// What the stage writes appears only in `teardown`, all of it: batch mode takes such a stage for
  /// done when all of it is (docs/batch-mode.md).
  bool writes_at_teardown = false;
  /// How often a batch is tried, each time as it came, before it is split to find the record at
  /// fault; and how often that record is tried alone. With 1, and `fail`, nothing is kept to be
  /// tried again, and the run stops at the first failure.
  std::size_t attempts = 1;
  OnFailure on_failure = OnFailure::fail;
  /// How often a worker's setup is tried in a row, with a new copy of the stage each time, before
  /// the run stops; so with each of `setup_on_node` and `setup`.
  std::size_t setup_attempts = 3;
  /// A worker older than this is torn down and set up again, between two batches and one of the
  /// stage at a time: for code that leaks. In streaming mode. 0: never.
  std::chrono::nanoseconds max_worker_lifetime{0};
  /// A call of user code that takes longer is taken for hung, and the run stops. 0: never.
  std::chrono::nanoseconds stall_after = std::chrono::minutes(10);
  /// On every node before any stage is set up there (docs/artifacts.md).
  std::vector<Artifact> artifacts = {};
};

/// Writes what the files in `parts` hold, in that order, to one like them at `target`, which
/// appears whole or not at all.
using MergeFiles = void (*)(const std::vector<std::filesystem::path>& parts,
                            const std::filesystem::path& target);

/// A stage as the engine sees it.
struct ErasedStage {
  StageSpec spec;
  StageFactory make;
  const RecordType* input = nullptr;
  const RecordType* output = nullptr;
  std::string description;  ///< part of the digest by which ranks compare their pipelines
  bool continuous = false;  ///< it can take several batches at once
  /// Makes one file of several that the stage wrote at teardown; null if they stay several.
  MergeFiles merge = nullptr;
};

/// A stage that can follow one that makes `In`, and of which each worker can get a copy.
template <class S, class In>
concept StageTaking = std::copy_constructible<S> && std::same_as<typename S::Input, In>;

/// A linear chain of stages. `In` is what the pipeline takes and `Out` what its last stage makes; a
/// stage whose input type differs from the output type before it does not compile.
template <class In, class Out = In>
class Pipeline {
 public:
  using Input = In;
  using Output = Out;

  explicit Pipeline(std::string name) : name_(std::move(name)) {}
  Pipeline(std::string name, std::vector<ErasedStage> stages)
      : name_(std::move(name)), stages_(std::move(stages)) {}

  /// Appends a stage. Each worker gets a copy of `prototype`. If that has a member `description`,
  /// what it says is part of what all ranks must agree about.
  template <StageTaking<Out> S>
  Pipeline<In, typename S::Output> then(S prototype, StageSpec spec = {}) const {
    using Next = typename S::Output;
    auto stages = stages_;
    std::string description = typeid(S).name();
    if constexpr (requires { std::string(prototype.description()); }) {
      description += " " + prototype.description();
    }
    if (spec.name.empty()) spec.name = "stage-" + std::to_string(stages.size() + 1);
    stages.push_back({std::move(spec),
                      [prototype] {
                        return std::make_unique<TypedStage<Out, Next>>(
                            std::make_unique<S>(prototype));
                      },
                      &record_type<Out>(), &record_type<Next>(), std::move(description),
                      std::derived_from<S, ContinuousStage<Out, Next>>});
    return Pipeline<In, Next>(name_, std::move(stages));
  }

  const std::string& name() const noexcept { return name_; }
  const std::vector<ErasedStage>& stages() const noexcept { return stages_; }

 private:
  std::string name_;
  std::vector<ErasedStage> stages_;
};

}  // namespace sluice
