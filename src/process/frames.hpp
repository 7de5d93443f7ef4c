#pragma once

#include "process/result_table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The messages between a rank and a stage's process: docs/process-protocol.md.
namespace sluice::process {

inline constexpr int protocol_version = 1;

enum class FrameKind : std::uint32_t {
  hello = 1,
  setup,
  ready,
  batch,
  result,
  failed,
  release,
  teardown,
  done
};

struct Frame {
  FrameKind kind = FrameKind::hello;
  std::uint64_t batch = 0;
  std::string body;
};

/// As it goes over the socket.
std::string packed(const Frame& frame);
std::string batch_body(const Place& place);

/// Takes bytes as they come and gives back frames when they are whole. Throws Garbage for what can
/// never become one.
class FrameReader {
 public:
  void add(std::string_view bytes);
  std::optional<Frame> take();

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

// What the bodies of a process' frames say. They throw Garbage.

struct Hello {
  std::int64_t protocol = 0;
  std::string name;
};
Hello hello_of(const Frame& frame);

struct ResultNotice {
  Place place;
  bool released = false;
};
ResultNotice result_of(const Frame& frame);

struct FailureNotice {
  std::string error;
  std::optional<std::size_t> record;
  std::string details;
};
FailureNotice failure_of(const Frame& frame);

}  // namespace sluice::process
