#include "store/shard_info.hpp"

#include "store/sealed_text.hpp"
#include "store/whole_number.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace sluice::store {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kind = "sluice-shard 1";

Json splits_json(const SplitSet& splits) {
  Json json = Json::array();
  for (const auto& range : splits.ranges()) json.push_back({range.first, range.count});
  return json;
}

SplitSet splits_of(const Json& json) {
  SplitSet splits;
  for (const auto& range : json) splits.add({whole_number(range.at(0)), whole_number(range.at(1))});
  return splits;
}

}  // namespace

std::string to_json(const ShardInfo& info) {
  return Json{{"name", info.name},
              {"pipeline", info.pipeline},
              {"records", info.records},
              {"bytes", info.bytes},
              {"file_bytes", info.file_bytes},
              {"checksum", fmt::format("{:016x}", info.checksum)},
              {"splits", splits_json(info.splits)}}
      .dump();
}

ShardInfo shard_info(std::string_view json) {
  const auto parsed = Json::parse(json);
  ShardInfo info;
  info.name = parsed.at("name");
  info.pipeline = parsed.at("pipeline");
  info.splits = splits_of(parsed.at("splits"));
  info.records = whole_number(parsed.at("records"));
  info.bytes = whole_number(parsed.at("bytes"));
  info.file_bytes = whole_number(parsed.at("file_bytes"));
  info.checksum = parse_whole_number(parsed.at("checksum").get<std::string>(), 16).value();
  return info;
}

std::string shard_head(const ShardInfo& info) {
  auto head = seal(kind, to_json(info));
  if (head.size() > shard_head_bytes) {
    throw InvariantError(
        fmt::format("shard '{}' covers too many ranges of splits ({}) for its head", info.name,
                    info.splits.ranges().size()));
  }
  head.resize(shard_head_bytes);
  return head;
}

std::optional<ShardInfo> parse_shard_head(std::string_view head) {
  try {
    if (const auto line = unseal(kind, head)) return shard_info(*line);
  } catch (const std::exception&) {
    // Its checksum is right, but another program wrote it.
  }
  return std::nullopt;
}

std::vector<ShardInfo> without_overlaps(std::vector<ShardInfo> shards) {
  SplitSet covered;
  std::erase_if(shards, [&covered](const ShardInfo& shard) {
    if (shard.splits.overlaps(covered)) return true;
    covered.add(shard.splits);
    return false;
  });
  return shards;
}

}  // namespace sluice::store
