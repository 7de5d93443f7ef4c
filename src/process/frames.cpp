#include "process/frames.hpp"

#include "process/died.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstring>

namespace sluice::process {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_body = std::size_t{16} << 20U;

struct Head {
  std::uint32_t kind = 0;
  std::uint32_t size = 0;
  std::uint64_t batch = 0;
};
static_assert(sizeof(Head) == 16);

Json object_of(const Frame& frame, std::string_view what) {
  auto json = Json::parse(frame.body, nullptr, false);
  if (json.is_object()) return json;
  throw Garbage(fmt::format("a {} that is no JSON object", what));
}

std::string text_at(const Json& object, const char* key, std::string_view what) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  throw Garbage(fmt::format("a {} whose '{}' is no string", what, key));
}

}  // namespace

std::string packed(const Frame& frame) {
  const Head head{static_cast<std::uint32_t>(frame.kind),
                  static_cast<std::uint32_t>(frame.body.size()), frame.batch};
  std::string bytes(sizeof head, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes += frame.body;
}

std::string batch_body(const Place& place) {
  std::string body(16, '\0');
  std::memcpy(body.data(), &place.offset, 8);
  std::memcpy(body.data() + 8, &place.length, 8);
  return body;
}

void FrameReader::add(std::string_view bytes) {
  bytes_.erase(0, taken_);
  taken_ = 0;
  bytes_ += bytes;
}

std::optional<Frame> FrameReader::take() {
  Head head;
  if (bytes_.size() - taken_ < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes_.data() + taken_, sizeof head);
  if (head.kind < static_cast<std::uint32_t>(FrameKind::hello) ||
      head.kind > static_cast<std::uint32_t>(FrameKind::done)) {
    throw Garbage(fmt::format("a frame of the unknown kind {}", head.kind));
  }
  if (head.size > most_body) throw Garbage(fmt::format("a frame of {} bytes", head.size));
  if (bytes_.size() - taken_ < sizeof head + head.size) return std::nullopt;
  Frame frame{static_cast<FrameKind>(head.kind), head.batch,
              bytes_.substr(taken_ + sizeof head, head.size)};
  taken_ += sizeof head + head.size;
  return frame;
}

Hello hello_of(const Frame& frame) {
  if (frame.kind != FrameKind::hello) throw Garbage("another frame than hello first");
  const auto json = object_of(frame, "hello");
  const auto protocol = json.find("protocol");
  if (protocol == json.end() || !protocol->is_number_integer()) {
    throw Garbage("a hello without a protocol's number");
  }
  return {protocol->get<std::int64_t>(), text_at(json, "name", "hello")};
}

ResultNotice result_of(const Frame& frame) {
  ResultNotice notice;
  std::uint32_t released = 0;
  if (frame.body.size() != 20) {
    throw Garbage(fmt::format("a result of {} bytes in place of 20", frame.body.size()));
  }
  std::memcpy(&notice.place.offset, frame.body.data(), 8);
  std::memcpy(&notice.place.length, frame.body.data() + 8, 8);
  std::memcpy(&released, frame.body.data() + 16, 4);
  if (released > 1) throw Garbage("a result whose 'released' is neither 0 nor 1");
  notice.released = released == 1;
  return notice;
}

FailureNotice failure_of(const Frame& frame) {
  const auto json = object_of(frame, "failure");
  FailureNotice notice;
  notice.error = text_at(json, "error", "failure");
  notice.details = text_at(json, "details", "failure");
  const auto record = json.find("record");
  if (record != json.end() && !record->is_null()) {
    if (!record->is_number_unsigned()) throw Garbage("a failure whose 'record' is no index");
    notice.record = record->get<std::size_t>();
  }
  return notice;
}

}  // namespace sluice::process
