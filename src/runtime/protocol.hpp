#pragma once

#include "control/batch_types.hpp"
#include "control/slowest.hpp"
#include "runtime/data_messages.hpp"
#include "runtime/failure.hpp"
#include "runtime/group_messages.hpp"
#include "runtime/machine.hpp"
#include "runtime/run_journal.hpp"
#include "store/artifact_source.hpp"
#include "store/dead_letters.hpp"
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
  std::vector<store::DeadLetter> dead;  ///< given up in batches that these events finish
  std::vector<ClosedPart> parts;
  std::vector<control::SlowBatch> slow;  ///< its slowest so far, if they are news
  bool closed = false;                   ///< no part is open after these events
};

/// From the coordinator to a rank that is about to join a stage that writes at teardown, in a run
/// that keeps a journal.
struct SinkBrief {
  std::string prefix;  ///< of the names of its parts
  IdSet written;       ///< records that are in a part already
};

/// From the coordinator to a worker: close the part that is open, and report it.
struct ClosePart {
  template <class Archive>
  void serialize(Archive&) {}
};

/// From the coordinator to a rank.
struct Orders {
  std::vector<control::Command> commands;
};

/// From the coordinator to a rank that is about to work on a stage in batch mode.
struct StageBrief {
  std::string folder;                 ///< of its shards in the store
  std::string input_folder;           ///< of those of the stage before; empty for the first stage
  std::vector<std::string> pipeline;  ///< what makes its records (store/manifest.hpp)
  std::string attempt;                ///< of the run and the stage, part of the shards' names
  std::string run_dir;                ///< where its relative output paths belong

  template <class Archive>
  void serialize(Archive& archive) {
    archive(folder, input_folder, pipeline, attempt, run_dir);
  }
};

/// From the coordinator to a worker in batch mode: records to process, or where they are.
struct Split {
  control::Span records;     ///< their places in the stage's input
  std::string shard;         ///< that holds them, as JSON; empty for the first stage
  std::uint64_t offset = 0;  ///< of the first one in the shard
  EncodedBatch input;        ///< the records, for the first stage
};

/// From a worker to the coordinator in batch mode: what happened since its last report, in order.
struct BatchReport {
  std::vector<control::BatchEvent> events;
  std::vector<std::string> shards;  ///< that it published, as JSON
  std::uint64_t batches = 0;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t filtered = 0;
  Usage usage;
  std::vector<store::DeadLetter> dead;   ///< given up in splits that these shards cover
  std::vector<control::SlowBatch> slow;  ///< as in Report
};

/// From a worker to the coordinator: ranks of its node have died.
struct Lost {
  std::vector<control::Rank> ranks;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(ranks);
  }
};

/// From the coordinator to the workers that are left: let go of all records, and begin this epoch.
struct Regroup {
  std::uint64_t epoch = 0;
  std::vector<control::Rank> lost;  ///< all that were

  template <class Archive>
  void serialize(Archive& archive) {
    archive(epoch, lost);
  }
};

/// From a worker to the coordinator: it has.
struct Regrouped {
  std::uint64_t epoch = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(epoch);
  }
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

/// From the coordinator to a rank, before it becomes a worker: where on its node to run.
struct Bind {
  std::vector<std::uint32_t> cores;  ///< empty: those that it is bound to
  std::vector<std::string> gpus;     ///< by their names on the node

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cores, gpus);
  }
};

/// From a worker to the coordinator: it is there.
struct Alive {
  bool in_call = false;     ///< its process says so, while its thread is in user code
  std::uint64_t calls = 0;  ///< of user code, that have ended

  template <class Archive>
  void serialize(Archive& archive) {
    archive(in_call, calls);
  }
};

/// From a worker to the coordinator: a signal asks the run to stop early. From the coordinator to a
/// worker in batch mode: process no other batch, but publish what you have.
struct Stop {
  int signal = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(signal);
  }
};

/// From the coordinator to the others: it is there, and where.
struct Here {
  std::string host;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(host);
  }
};

/// From the coordinator to the others: the run begins. A rank that has no log or trace of its own
/// has them from now on, if the spec asks for them.
struct Begin {
  std::uint64_t attempt = 0;  ///< at the run; no other has the same

  template <class Archive>
  void serialize(Archive& archive) {
    archive(attempt);
  }
};

/// From the coordinator to the rank that reads artifacts: see what is at their sources.
struct NameArtifacts {
  template <class Archive>
  void serialize(Archive&) {}
};

/// The answer: what each is known by on nodes that have it.
struct ArtifactNames {
  std::vector<std::string> keys;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(keys);
  }
};

/// From the coordinator to one rank of each node: see which are there.
struct LookForArtifacts {
  std::vector<std::string> keys;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(keys);
  }
};

/// The answer: those that are not.
struct LackedArtifacts {
  std::vector<std::uint64_t> artifacts;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(artifacts);
  }
};

/// From the coordinator to the same: the ways that the artifacts take (control/spread.hpp).
struct SpreadArtifacts {
  std::vector<std::vector<control::Rank>> chains;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(chains);
  }
};

/// From a rank to the next one of the chain.
struct ArtifactPart {
  std::uint64_t artifact = 0;
  std::uint64_t size = 0;  ///< of the source
  store::SourceKind kind = store::SourceKind::file;
  bool is_last = false;
  std::uint64_t sum = 0;  ///< of all pieces up to this one
  Buffer bytes;
};

/// The answer: it is written, and the next one may come.
struct ArtifactPartTaken {
  template <class Archive>
  void serialize(Archive&) {}
};

/// To the coordinator: a rank has done its part.
struct ArtifactsPlaced {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(bytes_read, bytes_written);
  }
};

/// To the coordinator: what people should know, and the run bears.
struct Remark {
  std::string text;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(text);
  }
};

using Packet = std::variant<Hello, Report, Orders, Data, Failure, End, Bye, Bind, StageBrief, Split,
                            BatchReport, SinkBrief, ClosePart, Alive, Stop, Lost, Regroup,
                            Regrouped, Here, Begin, NameArtifacts, ArtifactNames, LookForArtifacts,
                            LackedArtifacts, SpreadArtifacts, ArtifactPart, ArtifactPartTaken,
                            ArtifactsPlaced, SharedData, Fetched, Remark, GroupCall, GroupPart,
                            GroupEnded, LinkOffer, LinkState, OfferedData, Cleared>;

transport::Message pack(control::Rank to, Packet packet);
/// Whether a message is such a packet.
template <class Kind>
bool holds(const transport::Message& message) {
  const auto kind = Packet(std::in_place_type<Kind>).index();
  return !message.bytes.empty() && static_cast<unsigned char>(message.bytes.front()) == kind;
}
/// Throws DecodeError if the message is none of ours.
Packet unpack(transport::Message message);

}  // namespace sluice::runtime
