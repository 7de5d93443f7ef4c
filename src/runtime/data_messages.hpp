#pragma once

#include "control/types.hpp"

#include <sluice/encoded_batch.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

/// What workers say to each other about records and where their bytes are (docs/gpu.md).
namespace sluice::runtime {

/// Records on their way from a producer to a consumer: part of its input batch.
struct Data {
  std::uint64_t epoch = 0;  ///< in which they were sent (control/recovery.hpp)
  control::BatchId batch = 0;
  std::uint64_t total = 0;  ///< as in Grant
  EncodedBatch records;
};

/// Where a buffer lies on the sender's device; empty if it comes with the records.
struct SharedBuffer {
  std::string where;
  std::uint64_t size = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(where, size);
  }
};

/// Data of which some buffers stay on the sender's device, for the receiver to copy from there: in
/// their places the records have empty ones.
struct SharedData {
  control::Rank from = 0;  ///< the sender; not sent
  std::uint64_t ticket = 0;
  std::vector<SharedBuffer> buffers;  ///< of all records
  Data data;
};

/// The answer: it has copied them, or they shall come through host memory.
struct Fetched {
  control::Rank from = 0;  ///< the sender; not sent
  std::uint64_t ticket = 0;
  bool fetched = false;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(ticket, fetched);
  }
};

/// Open your end of a link from the sender's GPU to yours (gpu/link.hpp).
struct LinkOffer {
  control::Rank from = 0;  ///< the sender; not sent
  std::uint64_t epoch = 0;
  std::uint64_t link = 0;  ///< no other of the sender has the same
  std::string id;
  std::string gpu;  ///< the sender's, by its UUID

  template <class Archive>
  void serialize(Archive& archive) {
    archive(epoch, link, id, gpu);
  }
};

/// What has become of a link: of one from the sender of this, if `outgoing`, else of one to it.
struct LinkState {
  enum class State : std::uint8_t {
    open,    ///< the end is ready
    closed,  ///< there may be another one
    refused  ///< and so would any other
  };

  control::Rank from = 0;  ///< the sender; not sent
  std::uint64_t link = 0;
  bool outgoing = false;
  State state = State::closed;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(link, outgoing, state);
  }
};

struct OfferedBuffer {
  bool linked = false;  ///< else it comes with the records
  std::uint64_t size = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(linked, size);
  }
};

/// Data of which some buffers come by a link once the receiver says that they may: in their places
/// the records have empty ones. The answer is Cleared and, at the end, Fetched.
struct OfferedData {
  control::Rank from = 0;  ///< the sender; not sent
  std::uint64_t ticket = 0;
  std::uint64_t link = 0;
  std::vector<OfferedBuffer> buffers;  ///< of all records
  Data data;
};

/// The receiver has launched its part of the transfer.
struct Cleared {
  control::Rank from = 0;  ///< the sender; not sent
  std::uint64_t ticket = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(ticket);
  }
};

template <class Part>
concept AboutLinks = std::same_as<Part, LinkOffer> || std::same_as<Part, LinkState> ||
    std::same_as<Part, OfferedData> || std::same_as<Part, Cleared>;

template <class Part>
concept AboutDevices =
    AboutLinks<Part> || std::same_as<Part, SharedData> || std::same_as<Part, Fetched>;

}  // namespace sluice::runtime
