#pragma once

#include "store/byte_ring.hpp"
#include "store/descriptor.hpp"
#include "store/trace_entry.hpp"

#include <sluice/codec.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::store {

std::filesystem::path trace_folder(const std::filesystem::path& run_dir);
/// Where a rank writes its part of a run's trace, a file for each attempt at the run.
std::filesystem::path trace_path(const std::filesystem::path& run_dir, std::uint64_t attempt,
                                 int rank);
/// All that there are, oldest attempt first, each in the order of its ranks.
std::vector<std::filesystem::path> trace_files(const std::filesystem::path& run_dir);
void forget_traces(const std::filesystem::path& run_dir);

/// Writes a rank's file, whose entries come from one thread; another one brings them to the disk,
/// so that the rank waits neither for that nor for a lock. What neither memory nor the file may
/// hold is left out, and counted. A disk that is full is tried again, and what it did not take by
/// the end is missing from the end of the file, which then has no TraceEnd.
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

  /// Why the disk did not take what there was, as `errno` has it; 0 unless that is news.
  int take_error() noexcept { return error_.exchange(0, std::memory_order_relaxed); }

 private:
  template <class Entry>
  bool append(const Entry& entry, bool at_any_rate = false);
  bool has_room() const;
  void rouse();
  void write_all();
  bool write_waiting();
  bool write(std::string_view bytes);
  void note_error(int error) noexcept;

  const Limits limits_;
  // The rank's thread.
  std::string entry_;  ///< that is being added
  Encoder encoder_{entry_};
  std::uint64_t left_out_ = 0;
  std::uint64_t taken_in_ = 0;  ///< bytes
  ByteRing ring_;
  // The writing thread, but for the beginning and the end.
  Descriptor file_;
  std::int64_t written_ = 0;  ///< bytes that are in the file for good
  bool said_ = false;         ///< that the disk failed
  std::atomic<int> error_ = 0;

  std::mutex mutex_;  ///< of what follows
  std::condition_variable news_;
  bool ending_ = false;
  std::atomic<bool> urgent_ = false;  ///< half of the memory is in use
  std::thread thread_;
};

/// Gives `take` the entries of a file, in order; a last one that was cut short is left out, and so
/// is everything after one that is none.
void read_trace(const std::filesystem::path& path,
                const std::function<void(const TraceEntry&)>& take);

}  // namespace sluice::store
