#pragma once

#include "process/batch_table.hpp"
#include "process/child.hpp"
#include "process/connection.hpp"
#include "process/leases.hpp"
#include "process/log_tail.hpp"
#include "process/memory_file.hpp"
#include "process/ranges.hpp"

#include <sluice/process_stage.hpp>

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::process {

struct Results {
  std::vector<Record> records;
  std::vector<std::uint32_t> sources;
};

/// What became of a batch: one of the two is there.
struct Reply {
  std::uint64_t batch = 0;
  std::optional<Results> results = {};
  std::exception_ptr error = {};
};

/// What a process is set up for: to be a worker's, to do what is to be done once on its node, or
/// both.
enum class SetupKind { worker, node_and_worker, node };

/// One process of a stage, from its start to its end. What it does wrong is thrown: ProcessDied if
/// it is gone then, StageError or RecordError if it can go on, UsageError if another one would not
/// do better. For one thread.
class Session {
 public:
  /// Starts it and has it set up.
  Session(const ProcessOptions& options, const WorkerContext& context, SetupKind kind);

  Results process(const Batch<Record>& batch);

  // For a process that takes several batches at once.

  /// Gives it one more batch; returns its number, or nothing if there is no room for it before the
  /// process lets go of others.
  std::optional<std::uint64_t> send(const Batch<Record>& batch);
  /// The answer to one of the batches, if one is there. Never waits.
  std::optional<Reply> poll();
  bool is_stuck() const noexcept { return connection_->is_stuck(); }
  /// What becomes readable when `poll` may have something new.
  std::vector<int> bells() const;

  /// Returns when it has ended well.
  void tear_down();

  const std::string& log_path() const noexcept { return log_path_; }
  void note(const std::string& text);

 private:
  store::Descriptor start();
  void greet();
  void set_up(SetupKind kind);
  std::string setup_text(SetupKind kind) const;

  Place write(const Batch<Record>& batch, const BatchTable& table, std::uint64_t offset);
  void require_fit(const Batch<Record>& batch, const BatchTable& table) const;
  std::uint64_t room_for(std::uint64_t bytes);
  Frame answer();
  Reply reply_of(const Frame& frame);
  Results take_result(const Frame& frame);
  std::shared_ptr<void> owner_of(std::uint64_t batch, const ResultTable& table);
  [[noreturn]] void fail(const Frame& frame, std::size_t inputs);
  void note_phase();

  Frame receive(Connection::Clock::time_point deadline, std::string_view awaited);
  Frame expect(FrameKind kind, std::string_view awaited);
  void let_go(std::uint64_t batch);
  void send_releases();
  template <class Body>
  auto guarded(Body body);
  [[noreturn]] void throw_died(const std::string& why);
  [[noreturn]] void throw_gone();
  std::string last_words() const;

  const ProcessOptions& options_;
  const WorkerContext& context_;
  std::optional<StageLog> log_;  ///< none if it prints to the terminal
  std::string log_path_;
  MemoryFile input_;
  std::shared_ptr<MemoryFile> output_;
  std::shared_ptr<Leases> leases_;
  Ranges ranges_;
  std::optional<Child> child_;
  std::optional<Connection> connection_;
  std::string phase_ = "before it said hello";
  struct Inside {
    std::size_t records = 0;
    std::vector<SentValue> sent;
  };
  std::uint64_t batch_ = 0;  ///< the last that was sent
  std::map<std::uint64_t, Inside> inside_;
};

}  // namespace sluice::process
