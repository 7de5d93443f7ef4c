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

/// One process of a stage, from its start to its end. What it does wrong is thrown: ProcessDied if
/// it is gone then, StageError or RecordError if it can go on, UsageError if another one would not
/// do better. For one thread.
class Session {
 public:
  /// Starts it and has it set up.
  Session(const ProcessOptions& options, const WorkerContext& context, bool on_node);

  Results process(const Batch<Record>& batch);
  /// Returns when it has ended well.
  void tear_down();

  const std::string& log_path() const noexcept { return log_path_; }
  void note(const std::string& text);

 private:
  store::Descriptor start();
  void greet();
  void set_up(bool on_node);
  std::string setup_text(bool on_node) const;

  Place write(const Batch<Record>& batch);
  std::uint64_t room_for(std::uint64_t bytes);
  Frame answer();
  Results take_result(const Frame& frame, std::size_t inputs);
  std::shared_ptr<void> owner_of(const ResultTable& table);
  [[noreturn]] void fail(const Frame& frame, std::size_t inputs);

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
  std::uint64_t batch_ = 0;  ///< the last that was sent
  std::vector<SentValue> sent_;
};

}  // namespace sluice::process
