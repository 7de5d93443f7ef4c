#pragma once

#include <sluice/pipeline.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// `automatic` is batch if the run is on one node with exactly one GPU, and streaming otherwise.
enum class Mode { automatic, streaming, batch, debug };

/// Where the ranks are: `automatic` is MPI when a launcher started more than one rank, and worker
/// threads in this process otherwise.
enum class Launch { automatic, threads, mpi };

/// How a stage has fared so far.
struct StageStatus {
  std::string name;
  std::size_t workers = 0;
  std::uint64_t batches = 0;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  // Seconds, summed over the stage's workers.
  double running = 0;  ///< in `process`
  double starved = 0;  ///< waiting for input
  double blocked = 0;  ///< waiting for room downstream
  double setup = 0;    ///< in `setup_on_node` and `setup`
  /// Records that the stage has to take in all, where that is known beforehand: in batch mode.
  std::optional<std::uint64_t> expected = {};
  std::uint64_t shards = 0;    ///< published in this run, in batch mode
  std::uint64_t filtered = 0;  ///< records that became none; of the last stage, none are counted
  std::uint64_t dead = 0;      ///< records given up in this run
};

/// What a channel stored at its worst, counted by the channel, and what it may store (DESIGN I5).
struct ChannelStatus {
  std::uint64_t peak_records = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t bound_records = 0;  ///< an output batch per producer, an input batch per consumer
  std::uint64_t records = 0;        ///< stored now
};

/// Ranks that changed their stages while the run went on. Times in seconds.
struct Replan {
  double at = 0;            ///< since the run started
  std::uint64_t moved = 0;  ///< ranks
  double gain = 0;          ///< that the run was expected to end earlier
  double cost = 0;          ///< until the last of them was expected to be ready
  std::string reason;       ///< one line with all the numbers
};

/// A rank that died while the run went on without it.
struct LostRank {
  int rank = 0;
  std::string stage;  ///< that it was a worker of; empty: none
  double at = 0;      ///< seconds since the run started
};

/// A batch that was long in `process`.
struct SlowBatch {
  std::string stage;
  std::string key;  ///< of the input that its first record descends from
  std::uint64_t records = 0;
  int rank = 0;
  double seconds = 0;  ///< all attempts at it together

  bool operator==(const SlowBatch&) const = default;
};

/// A picture of a run, for whoever shows it.
struct RunStatus {
  std::string pipeline;
  std::uint64_t inputs = 0;
  std::uint64_t done = 0;            ///< inputs whose every descendant is finished
  std::uint64_t done_before = 0;     ///< of those, by earlier attempts at this run
  double seconds = 0;                ///< since the run started
  std::optional<double> first_done;  ///< seconds from the start to the first input done
  std::vector<StageStatus> stages;
  std::vector<ChannelStatus> channels;  ///< channel k feeds stage k
  std::vector<Replan> replans;          ///< the autoscaler's decisions
  std::vector<LostRank> lost;           ///< in the order in which they died
  std::vector<SlowBatch> slowest;       ///< the slowest first, 20 at most
  std::uint64_t control_messages = 0;   ///< sent and received by the coordinator
  std::uint64_t dead_letters = 0;       ///< records given up, written down in dead_letters.jsonl
  bool finished = false;
};

/// How payloads get from one GPU to another: `automatic` takes the best that each pair of workers
/// has (docs/gpu.md).
enum class DevicePath { automatic, host, ipc, nccl };

/// What only batch mode asks for (docs/batch-mode.md).
struct BatchOptions {
  /// Where records are kept between stages: a folder, or "s3://bucket/prefix". Empty: the folder
  /// "intermediates" in the run directory.
  std::string store;
  bool compress = false;  ///< by zstd
  /// Keep what a stage made after the next one is finished.
  bool keep_intermediates = false;
  /// A worker publishes what it made at least so often: what a crash may cost.
  std::chrono::nanoseconds publish_every = std::chrono::seconds(5);
  std::string from;  ///< run again from this stage on, on what the one before it made
  std::string only;  ///< run this stage alone again, beside the run
};

struct RunOptions {
  Mode mode = Mode::automatic;
  Launch launch = Launch::automatic;
  /// Worker threads when not under MPI; 0: every core for the slowest stage, and one worker for
  /// each other stage; in batch mode, every core.
  std::size_t workers = 0;
  std::filesystem::path run_dir = ".";
  /// Whether ranks may change their stages while the run goes on, when that makes it end earlier.
  /// In streaming mode.
  bool autoscale = true;
  /// Called on the coordinator's thread, every `status_interval` and once at the end.
  std::function<void(const RunStatus&)> on_status;
  std::chrono::nanoseconds status_interval = std::chrono::seconds(1);
  BatchOptions batch = {};
  /// Streaming mode keeps a journal in `run_dir`, so that the run can be resumed (docs/resume.md).
  /// Batch mode always does.
  bool journal = false;
  /// Each rank keeps a log in the folder "logs" of `run_dir`.
  bool logs = false;
  /// Each rank writes down what it does when, in the folder "trace" of `run_dir`
  /// (docs/observing.md).
  bool trace = false;
  /// Go on with the unfinished run in `run_dir`.
  bool resume = false;
  /// With `resume`: inputs that have dead letters are processed again.
  bool retry = false;
  /// Resume even if the pipeline has changed since.
  bool force = false;
  /// Start anew though an unfinished run is in `run_dir`, and forget that one.
  bool fresh = false;
  /// How often what is done is committed to the journal; as the run grows longer it is every
  /// twentieth of it. A crash costs at most that.
  std::chrono::nanoseconds commit_every = std::chrono::seconds(5);
  /// The run stops once more than this part of its inputs, from 0 to 1, have dead letters.
  double max_dead_letters = 0.1;
  /// How long a run that is told to stop may take to finish what is in flight.
  std::chrono::nanoseconds grace = std::chrono::seconds(30);
  /// In a Slurm job, a run that can be resumed stops early so long before the job's end; absent: a
  /// minute, but no more than a quarter of what is left when it starts. 0: never.
  std::optional<std::chrono::nanoseconds> stop_before_end = {};
  /// Whether SIGTERM, SIGINT and SIGUSR1 stop the run early while it lasts (docs/stopping.md).
  bool handle_signals = true;
  /// A process of the run that says nothing for so long is taken for hung, and the run stops. 0:
  /// never.
  std::chrono::nanoseconds heartbeat_timeout = std::chrono::seconds(60);
  DevicePath device_path = DevicePath::automatic;
  /// Called once on the coordinator, when nothing stands in the way of the run any more.
  std::function<void()> on_start = {};
};

/// What the engine runs: `PipelineSpec` with its types erased.
struct ErasedSpec {
  std::string name;
  std::vector<ErasedStage> stages;
  /// Asked for on the coordinator only, so other ranks need not hold the input.
  std::function<AnyBatch()> input;
  /// Names an input record in errors.
  std::function<std::string(std::size_t)> key_of;
  /// Given every output of the last stage, on the coordinator; null if they are not wanted.
  std::function<void(AnyBatch)> on_output;
  RunOptions options;
};

/// Runs until every input is done. Throws Error on failure: on the coordinator the cause, on the
/// other ranks RunStopped. The spec is built by `build` so that an error in building it on one rank
/// stops them all. Returns the final status, on ranks other than the coordinator an empty one.
RunStatus run_erased(const std::function<ErasedSpec()>& build, const RunOptions& launch_options);

/// True on the one rank that holds the input and gets the outputs; true without a launcher.
bool is_coordinator();

/// A pipeline with its input and the run's options.
template <class In, class Out>
struct PipelineSpec {
  Pipeline<In, Out> pipeline;
  /// Called on the coordinator only.
  std::function<std::vector<In>()> input;
  bool collect = false;   ///< return the last stage's outputs on the coordinator
  bool in_order = false;  ///< and in input order
  RunOptions options;

  PipelineSpec(Pipeline<In, Out> p, std::vector<In> records)
      : pipeline(std::move(p)), input([records = std::move(records)] { return records; }) {}
  PipelineSpec(Pipeline<In, Out> p, std::function<std::vector<In>()> make_input)
      : pipeline(std::move(p)), input(std::move(make_input)) {}
};

template <class Out>
struct RunResult {
  std::vector<Out> outputs;  ///< on the coordinator, if collected
  RunStatus status;
};

/// Collects batches of `Out` and puts them in order; used by run_pipeline.
std::vector<std::size_t> order_of(const std::vector<RecordId>& ids);

/// Runs the pipeline in the mode and over the ranks that the options and the launcher say. Every
/// rank calls it with the same pipeline. Throws as run_erased does.
template <class In, class Out>
RunResult<Out> run_pipeline(const PipelineSpec<In, Out>& spec) {
  RunResult<Out> result;
  std::vector<RecordId> ids;
  ErasedSpec erased;
  erased.name = spec.pipeline.name();
  erased.stages = spec.pipeline.stages();
  erased.options = spec.options;
  erased.input = [&spec] {
    AnyBatch batch;
    auto records = std::make_shared<std::vector<In>>(spec.input());
    batch.ids.resize(records->size());
    for (std::size_t i = 0; i < records->size(); ++i) batch.ids[i].origin = i;
    batch.records = std::move(records);
    return batch;
  };
  if (spec.collect) {
    erased.on_output = [&](AnyBatch batch) {
      auto& records = *static_cast<std::vector<Out>*>(batch.records.get());
      std::move(records.begin(), records.end(), std::back_inserter(result.outputs));
      std::move(batch.ids.begin(), batch.ids.end(), std::back_inserter(ids));
    };
  }
  result.status = run_erased([&erased] { return erased; }, spec.options);
  if (spec.in_order) {
    std::vector<Out> ordered;
    ordered.reserve(result.outputs.size());
    for (const auto i : order_of(ids)) ordered.push_back(std::move(result.outputs[i]));
    result.outputs = std::move(ordered);
  }
  return result;
}

/// Runs `body` and turns what it throws into one message on standard error and an exit code, both
/// only once however many ranks there are.
int guard_main(const std::function<int()>& body);

}  // namespace sluice
