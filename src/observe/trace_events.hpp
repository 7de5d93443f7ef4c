#pragma once

#include "store/trace_entry.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>

namespace sluice::observe {

/// Writes events of Chrome's trace format, one a line. A rank is a process there, each of the
/// stages that it was a worker of a thread, or, where batches overlap, each of its lanes: arrows
/// bind to spans of threads only, and spans of a thread may not overlap. Times in nanoseconds since
/// some moment.
class TraceEvents {
 public:
  struct Track {
    std::int32_t rank = 0;
    std::uint32_t stage = 0;
    std::uint64_t lane = 0;
    auto operator<=>(const Track&) const = default;
  };
  /// From `begin` on, before `end`.
  struct Extent {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };

  explicit TraceEvents(std::ostream& out);
  void name_rank(std::int32_t rank, const std::string& name);
  void name_stage(Track track, const std::string& name);
  void wait_or_setup(Track track, Extent extent, store::TraceState state);
  void batch(Track track, Extent extent, const std::string& stage, const store::TraceBatch& batch);
  /// An arrow from the end of one span to the beginning of another.
  void flow(Track from, Extent made, Track to, std::int64_t taken);
  /// What concerns a rank at one moment.
  void moment(std::int32_t rank, std::int64_t at, const std::string& what);
  void count(std::int64_t at, const std::string& name, double value);
  /// Ends the file; `note` is about the clocks.
  void end(const std::string& note);

 private:
  std::int64_t thread_of(Track track);
  std::string slice(Track track, Extent extent, const std::string& name, std::string_view category);
  void event(std::string_view kind, std::int32_t rank, const std::string& rest);

  std::ostream& out_;
  std::uint64_t events_ = 0;
  std::uint64_t flows_ = 0;
  std::map<Track, std::int64_t> threads_;
};

}  // namespace sluice::observe
