#include "runtime/protocol.hpp"

#include <sluice/codec.hpp>

#include <fmt/format.h>

#include <type_traits>
#include <utility>

// Events come without serialize members of their own: their rank is the message's sender.
namespace sluice::control {

template <class Archive>
void serialize(Archive&, NodeReady&) {}
template <class Archive>
void serialize(Archive&, WorkerReady&) {}
template <class Archive>
void serialize(Archive& archive, Taken& event) {
  archive(event.batch, event.bytes, event.first_input);
}
template <class Archive>
void serialize(Archive& archive, Begun& event) {
  archive(event.batch);
}
template <class Archive>
void serialize(Archive& archive, Descent& descent) {
  archive(descent.origin, descent.change, descent.count);
}
template <class Archive>
void serialize(Archive& archive, Finished& event) {
  archive(event.batch, event.records, event.bytes, event.delivered, event.descents, event.filtered);
}
template <class Archive>
void serialize(Archive& archive, Declined& event) {
  archive(event.channel, event.batch);
}
template <class Archive>
void serialize(Archive&, Admitted&) {}
template <class Archive>
void serialize(Archive&, Left&) {}
template <class Archive>
void serialize(Archive&, Tick&) {}
template <class Archive>
void serialize(Archive&, SplitBegun&) {}
template <class Archive>
void serialize(Archive& archive, Published& event) {
  archive(event.records);
}
template <class Archive>
void serialize(Archive& archive, Committed& event) {
  archive(event.stage);
}

}  // namespace sluice::control

namespace sluice::store {

template <class Archive>
void serialize(Archive& archive, SplitRange& range) {
  archive(range.first, range.count);
}

}  // namespace sluice::store

namespace sluice::runtime {
namespace {

struct WireId {
  std::uint64_t origin = 0;
  std::string path;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(origin, path);
  }
};

struct WireIds {
  std::vector<store::SplitRange> whole;
  std::vector<WireId> split;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(whole, split);
  }
};

}  // namespace

template <class Archive>
void serialize(Archive& archive, IdSet& ids) {
  WireIds wire;
  wire.whole = ids.whole().ranges();
  for (const auto& id : ids.split()) wire.split.push_back({id.origin, std::string(id.path.view())});
  archive(wire);
  if constexpr (std::is_same_v<Archive, Decoder>) {
    for (const auto& range : wire.whole) ids.add(range);
    for (const auto& id : wire.split) ids.add(RecordId{id.origin, RecordPath(id.path)});
  }
}
template <class Archive>
void serialize(Archive& archive, ClosedPart& closed) {
  archive(closed.part.stage, closed.part.folder, closed.part.records, closed.ids);
}
template <class Archive>
void serialize(Archive& archive, SinkBrief& brief) {
  archive(brief.prefix, brief.written);
}
template <class Archive>
void serialize(Archive& archive, Report& report) {
  archive(report.events, report.usage, report.dead, report.parts, report.slow, report.closed);
}
template <class Archive>
void serialize(Archive& archive, BatchReport& report) {
  archive(report.events, report.shards, report.batches, report.records_in, report.records_out,
          report.filtered, report.usage, report.dead, report.slow);
}
template <class Archive>
void serialize(Archive& archive, Orders& orders) {
  archive(orders.commands);
}

namespace {

void encode(std::string& bytes, std::vector<Buffer>& buffers, Data&& data) {
  Encoder encoder(bytes);
  encoder.write_size(data.epoch);
  encoder.write_size(data.batch);
  encoder.write_size(data.total);
  data.records.pack(bytes);
  buffers = std::move(data.records).take_buffers();
}

void encode(std::string& bytes, std::vector<Buffer>& buffers, SharedData&& shared) {
  Encoder encoder(bytes);
  encoder(shared.ticket, shared.buffers);
  encode(bytes, buffers, std::move(shared.data));
}

void encode(std::string& bytes, std::vector<Buffer>& buffers, OfferedData&& offered) {
  Encoder encoder(bytes);
  encoder(offered.ticket, offered.link, offered.buffers);
  encode(bytes, buffers, std::move(offered.data));
}

void encode(std::string& bytes, std::vector<Buffer>& buffers, Split&& split) {
  Encoder encoder(bytes);
  encoder(split.records, split.shard, split.offset);
  split.input.pack(bytes);
  buffers = std::move(split.input).take_buffers();
}

void encode(std::string& bytes, std::vector<Buffer>& buffers, GroupCall&& call) {
  Encoder encoder(bytes);
  encoder(call.term, call.call, call.kind, call.address, call.port);
  call.batch.pack(bytes);
  buffers = std::move(call.batch).take_buffers();
}

void encode(std::string& bytes, std::vector<Buffer>& buffers, ArtifactPart&& part) {
  Encoder encoder(bytes);
  encoder(part.artifact, part.size, part.kind, part.is_last, part.sum);
  buffers.push_back(std::move(part.bytes));
}

template <class Part>
void encode(std::string& bytes, std::vector<Buffer>&, Part&& part) {
  Encoder encoder(bytes);
  encoder(part);
}

Data decode_data(Decoder& decoder, std::vector<Buffer> buffers) {
  Data data;
  data.epoch = decoder.read_size();
  data.batch = decoder.read_size();
  data.total = decoder.read_size();
  data.records = EncodedBatch::unpack(decoder.rest(), std::move(buffers));
  return data;
}

template <class Part>
Part decode(std::string_view bytes, transport::Message& message) {
  Part part;
  Decoder decoder(bytes);
  if constexpr (std::is_same_v<Part, Data>) {
    part = decode_data(decoder, std::move(message.buffers));
  } else if constexpr (std::is_same_v<Part, SharedData>) {
    decoder(part.ticket, part.buffers);
    part.data = decode_data(decoder, std::move(message.buffers));
  } else if constexpr (std::is_same_v<Part, OfferedData>) {
    decoder(part.ticket, part.link, part.buffers);
    part.data = decode_data(decoder, std::move(message.buffers));
  } else if constexpr (std::is_same_v<Part, Split>) {
    decoder(part.records, part.shard, part.offset);
    part.input = EncodedBatch::unpack(decoder.rest(), std::move(message.buffers));
  } else if constexpr (std::is_same_v<Part, GroupCall>) {
    decoder(part.term, part.call, part.kind, part.address, part.port);
    part.batch = EncodedBatch::unpack(decoder.rest(), std::move(message.buffers));
  } else if constexpr (std::is_same_v<Part, ArtifactPart>) {
    decoder(part.artifact, part.size, part.kind, part.is_last, part.sum);
    decoder.finish();
    if (message.buffers.size() != 1) throw DecodeError("a part of an artifact without its bytes");
    part.bytes = std::move(message.buffers.front());
  } else {
    decoder(part);
    decoder.finish();
  }
  return part;
}

void set_rank(auto& report, control::Rank rank) {
  for (auto& event : report.events) {
    std::visit(
        [rank](auto& e) {
          if constexpr (requires { e.rank; }) e.rank = rank;
        },
        event);
  }
}

template <std::size_t I = 0>
Packet decode_kind(std::size_t kind, std::string_view bytes, transport::Message& message) {
  if constexpr (I == std::variant_size_v<Packet>) {
    throw DecodeError(fmt::format("a message of unknown kind {} from rank {}", kind, message.peer));
  } else {
    if (kind != I) return decode_kind<I + 1>(kind, bytes, message);
    return decode<std::variant_alternative_t<I, Packet>>(bytes, message);
  }
}

Packet decode_or_refuse(std::size_t kind, transport::Message& message) {
  try {
    return decode_kind(kind, std::string_view(message.bytes).substr(1), message);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw DecodeError(
        fmt::format("a message from rank {} cannot be read: {}", message.peer, error.what()));
  }
}

}  // namespace

transport::Message pack(control::Rank to, Packet packet) {
  constexpr std::size_t usual_bytes = 256;  // of a report, with the seal that is added to it
  transport::Message message{to, {}, {}};
  message.bytes.reserve(usual_bytes);
  message.bytes.push_back(static_cast<char>(packet.index()));
  std::visit([&](auto&& part) { encode(message.bytes, message.buffers, std::move(part)); },
             std::move(packet));
  return message;
}

Packet unpack(transport::Message message) {
  if (message.bytes.empty()) throw DecodeError("an empty message");
  const auto kind = static_cast<std::size_t>(static_cast<unsigned char>(message.bytes.front()));
  auto packet = decode_or_refuse(kind, message);
  if (auto* report = std::get_if<Report>(&packet)) set_rank(*report, message.peer);
  if (auto* report = std::get_if<BatchReport>(&packet)) set_rank(*report, message.peer);
  std::visit(
      [&]<class Part>(Part& part) {
        if constexpr (AboutDevices<Part>) part.from = message.peer;
      },
      packet);
  return packet;
}

}  // namespace sluice::runtime
