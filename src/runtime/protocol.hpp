#pragma once

#include "control/types.hpp"
#include "runtime/failure.hpp"
#include "runtime/machine.hpp"
#include "transport/transport.hpp"

#include <sluice/encoded_batch.hpp>
#include <sluice/error.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What ranks say to each other: the first byte of a message is its kind.
namespace sluice::runtime {

/// A rank's first word: what it is about to run.
struct Hello {
  std::string spec;
  std::string host;
  Machine machine;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(spec, host, machine);
  }
};

using control::Usage;

/// From a worker to the coordinator: what happened since its last report, in order.
struct Report {
  std::vector<control::Event> events;
  Usage usage;
};

/// From the coordinator to a rank.
struct Orders {
  std::vector<control::Command> commands;
};

/// Records on their way from a producer to a consumer: part of its input batch.
struct Data {
  control::BatchId batch = 0;
  std::uint64_t total = 0;  ///< as in Grant
  EncodedBatch records;
};

/// From the coordinator to all: the run is over, well or badly.
struct End {
  ExitCode code = ExitCode::success;
  std::string reason;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(code, reason);
  }
};

/// From a worker to the coordinator: it has stopped because the run has failed.
struct Bye {
  template <class Archive>
  void serialize(Archive&) {}
};

/// From the coordinator to a rank, before it becomes a worker: the cores to run on.
struct Bind {
  std::vector<std::uint32_t> cores;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cores);
  }
};

using Packet = std::variant<Hello, Report, Orders, Data, Failure, End, Bye, Bind>;

transport::Message pack(control::Rank to, Packet packet);
/// Throws DecodeError if the message is none of ours.
Packet unpack(transport::Message message);

}  // namespace sluice::runtime
