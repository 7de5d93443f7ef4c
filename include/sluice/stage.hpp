#pragma once

#include <sluice/batch.hpp>
#include <sluice/codec.hpp>
#include <sluice/group.hpp>

#include <cstddef>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

/// What a worker knows of its place in the run.
struct WorkerContext {
  std::string stage;              ///< the stage's name
  std::size_t worker = 0;         ///< this worker's number within its stage, from 0, never reused
  std::size_t workers = 1;        ///< how many workers the stage has had so far
  int rank = 0;                   ///< its rank in the run
  std::string node;               ///< host name
  std::filesystem::path run_dir;  ///< where relative output paths belong; "." if the run has none
  /// If it is not empty, the folder in which absolute paths begin until what the stage wrote is
  /// committed; `final_dir` is then what `run_dir` stands for.
  std::filesystem::path root = {};
  std::filesystem::path final_dir = {};
  /// The GPUs of this worker, as CUDA_VISIBLE_DEVICES names them in this process: as many as its
  /// stage asks for, or the one that it has a part of. The process of a process stage sees them
  /// alone. In debug mode, where nobody deals them out, it is empty.
  std::vector<std::string> gpus = {};
  /// In debug mode the stage is called where the user is, who may stop it in a debugger.
  bool debug = false;
  std::size_t depth = 1;  ///< batches that the stage is given at once, at most
  /// This node's folder for what its workers share, SLUICE_NODE_DIR to processes: artifacts are
  /// below it (docs/artifacts.md). It need not exist.
  std::filesystem::path node_dir = {};
  /// In `setup`, if the stage's `spmd` is above 1: the ranks that are this worker together, which
  /// in debug mode is one alone. Else null. Keep it for `process` and `teardown`.
  std::shared_ptr<Group> group = {};

  /// Where a stage that writes at teardown is to make the file that shall appear at `path`.
  std::filesystem::path output(const std::filesystem::path& path) const {
    if (root.empty()) return run_dir / path;
    const auto normal = path.lexically_normal();
    if (normal.is_relative() && *normal.begin() != "..") return run_dir / normal;
    return root / std::filesystem::absolute(final_dir / path).lexically_normal().relative_path();
  }
};

/// User code: a stage of a pipeline. Each worker owns a copy of the object that was given to the
/// pipeline and calls it from one thread; hold expensive state in members that `setup` fills.
/// What becomes of an exception that it throws is up to the stage's spec; unless that says
/// otherwise, one thrown by `process` or `teardown` stops the run with an error that names the
/// stage and the record (docs/failures.md).
template <class In, class Out>
class Stage {
 public:
  using Input = In;
  using Output = Out;

  virtual ~Stage() = default;

  /// Once per node and stage, before any worker there is set up: unpack files, warm a cache.
  virtual void setup_on_node(const WorkerContext&) {}
  /// Once per worker, before its first batch: load the model, open the file.
  virtual void setup(const WorkerContext&) {}
  /// Once per batch, of 1 to `batch_size` records.
  virtual void process(Batch<In>& batch, Emitter<Out>& out) = 0;
  /// Once per worker, after its last batch, at the end or when its rank is to run another stage;
  /// not called if the run fails.
  virtual void teardown() {}
};

/// A stage that turns each record into exactly one.
template <class In, class Out>
class MapStage : public Stage<In, Out> {
 public:
  virtual Out map(In record) = 0;

  void process(Batch<In>& batch, Emitter<Out>& out) final {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      try {
        out.emit(i, map(std::move(batch[i])));
      } catch (const Error& error) {
        throw RecordError(i, error.what(), error.code());
      } catch (const std::exception& error) {
        throw RecordError(i, error.what());
      }
    }
  }
};

/// A stage made of a function of one record, for work that needs no setup.
template <class In, class Out, class Function>
class FunctionStage final : public MapStage<In, Out> {
 public:
  explicit FunctionStage(Function function) : function_(std::move(function)) {}
  Out map(In record) override { return function_(std::move(record)); }

 private:
  Function function_;
};

/// `map<In>(function)`: a stage that applies `function` to each record.
template <class In, class Function>
auto map(Function function) {
  using Out = std::decay_t<std::invoke_result_t<Function&, In>>;
  return FunctionStage<In, Out, Function>(std::move(function));
}

}  // namespace sluice
