#pragma once

#include <sluice/continuous_stage.hpp>
#include <sluice/record.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

namespace process {
class Supervisor;
}

/// What a process needs around it. Everything may be left empty; at most one of `venv`, `conda` and
/// `container` is given.
struct ProcessEnvironment {
  std::string venv = {};                  ///< folder of a Python virtual environment
  std::string conda = {};                 ///< a conda environment's name, or its folder
  std::vector<std::string> modules = {};  ///< environment modules to load
  std::string container = {};             ///< an image in which Apptainer runs the command
  std::map<std::string, std::string> variables = {};

  bool empty() const {
    return venv.empty() && conda.empty() && modules.empty() && container.empty() &&
           variables.empty();
  }
  bool operator==(const ProcessEnvironment&) const = default;
};

struct ProcessOptions {
  std::vector<std::string> command;  ///< program and arguments; no shell is involved
  ProcessEnvironment env = {};
  std::string settings = "{}";  ///< a JSON object that the process is given
  /// How much memory batches may take on their way to the process, and results on theirs back.
  std::uint64_t shared_memory = std::uint64_t{1} << 30U;
  std::size_t batch_size = 1;  ///< told to the process
  std::size_t spmd = 1;        ///< ranks that are one worker, each with a process
  /// How long the process may take to say that it is up, before it loads anything.
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(60);
};

/// A stage that a process of its own does, in any language: docs/process-protocol.md says how the
/// two talk, docs/process-stages.md how to write one. Each worker has a process, which is started
/// by `setup`, started again when it dies, and never outlives its worker. With a `depth` above 1
/// the process has several batches at once.
class ProcessStage : public ContinuousStage<Record, Record> {
 public:
  explicit ProcessStage(ProcessOptions options);
  /// Copies what is to be run, not what runs.
  ProcessStage(const ProcessStage& other);
  ProcessStage& operator=(const ProcessStage&) = delete;
  ~ProcessStage() override;

  void setup_on_node(const WorkerContext& context) override;
  void setup(const WorkerContext& context) override;
  void process(Batch<Record>& batch, Emitter<Record>& out) override;
  void submit(std::uint64_t ticket, Batch<Record> batch) override;
  std::optional<Answer<Record>> poll() override;
  void wake_with(std::function<void()> wake) override;
  void teardown() override;

  /// What it does, for the digest by which ranks and a resumed run compare their pipelines.
  std::string description() const;

 private:
  void process_in_group(Batch<Record>& batch, Emitter<Record>& out);

  ProcessOptions options_;
  std::unique_ptr<process::Supervisor> supervisor_;
};

}  // namespace sluice
