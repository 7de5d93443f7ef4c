#pragma once

#include "store/descriptor.hpp"
#include "store/trace_entry.hpp"

#include <sluice/codec.hpp>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::store {

/// Where a rank writes its part of a run's trace, a file for each attempt at the run.
std::filesystem::path trace_path(const std::filesystem::path& run_dir, std::uint64_t attempt,
                                 int rank);
/// All that there are, oldest attempt first, each in the order of its ranks.
std::vector<std::filesystem::path> trace_files(const std::filesystem::path& run_dir);
void forget_traces(const std::filesystem::path& run_dir);

/// Writes a rank's file, whose entries come from one thread; another one brings them to
/// the disk, so that this does not hold up the rank. What neither memory nor the file may hold is
/// left out, and counted; a disk that fails ends the trace, and nothing else.
class TraceWriter {
 public:
  struct Limits {
    std::size_t memory = 1 << 20;      ///< bytes that wait for the disk
    std::uint64_t file = 64ULL << 20;  ///< of the file
  };

  explicit TraceWriter(const std::filesystem::path& path) : TraceWriter(path, Limits()) {}
  TraceWriter(const std::filesystem::path& path, Limits limits);
  /// What was added is in the file afterwards.
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  template <class Entry>
  void add(const Entry& entry);

 private:
  template <class Entry>
  bool append(const Entry& entry, bool at_any_rate = false);
  bool has_room(std::size_t begin) const;
  void rouse(bool first);
  void write_all();
  bool write(const std::string& bytes);

  const Limits limits_;
  Descriptor file_;
  std::mutex mutex_;
  std::condition_variable news_;
  bool ending_ = false;
  bool urgent_ = false;  ///< half of the memory is in use
  std::string waiting_;  ///< for the disk
  std::string leaving_;  ///< the writing thread's own
  Encoder encoder_{waiting_};
  std::uint64_t left_out_ = 0;
  std::uint64_t taken_ = 0;  ///< bytes, since the file was opened
  std::thread thread_;
};

/// Gives `take` the entries of a file, in order; a last one that was cut short is left out, and so
/// is everything after one that is none.
void read_trace(const std::filesystem::path& path,
                const std::function<void(const TraceEntry&)>& take);

}  // namespace sluice::store
