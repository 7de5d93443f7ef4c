#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::control {

/// How a payload gets from a producer to a consumer's device.
enum class Path {
  direct,  ///< within a process: by reference, or by one copy between its devices
  ipc,     ///< within a node: the consumer copies out of the producer's memory
  nccl,    ///< between devices, by NCCL
  host     ///< through host memory
};

std::string_view name_of(Path path);

/// One end of a channel.
struct End {
  std::uint64_t process = 0;
  std::uint64_t node = 0;
  std::uint64_t gpu = 0;      ///< of the node
  bool makes_device = false;  ///< it may hand out, or wants, buffers on its device
};

/// What the ranks can do, all of them.
struct Means {
  bool ipc = true;
  bool nccl = false;
};

enum class Wish { automatic, host, ipc, nccl };

/// The path for a pair. Of what the pair and the wish allow it takes the shortest: what is wished
/// for if it is possible, and host memory, which always is, if nothing else is.
Path choose_path(const End& producer, const End& consumer, const Means& means, Wish wish);

}  // namespace sluice::control
