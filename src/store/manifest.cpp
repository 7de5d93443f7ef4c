#include "store/manifest.hpp"

#include "store/checksum.hpp"
#include "store/sealed_text.hpp"
#include "store/shard_error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::store {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kind = "sluice-manifest 1";

Manifest manifest_of(const Json& json) {
  Manifest manifest;
  manifest.stage = json.at("stage");
  manifest.pipeline.lines = json.at("pipeline").get<std::vector<std::string>>();
  for (const auto& shard : json.at("shards")) manifest.shards.push_back(shard_info(shard.dump()));
  return manifest;
}

std::string line_or_nothing(const PipelineText& pipeline, std::size_t i) {
  return i < pipeline.lines.size() ? fmt::format("'{}'", pipeline.lines[i]) : "nothing";
}

void require_same(const PipelineText& theirs, const PipelineText& ours, const std::string& shown) {
  const auto most = std::max(ours.lines.size(), theirs.lines.size());
  for (std::size_t i = 0; i < most; ++i) {
    const auto their_line = line_or_nothing(theirs, i);
    const auto our_line = line_or_nothing(ours, i);
    if (their_line == our_line) continue;
    throw UsageError(
        fmt::format("the manifest {} belongs to another pipeline: it says {} where this one says "
                    "{}; run the job that it belongs to, or give this one another store",
                    shown, their_line, our_line));
  }
}

}  // namespace

std::string PipelineText::digest() const {
  return fmt::format("{:016x}", checksum(fmt::format("{}", fmt::join(lines, "\n"))));
}

std::string manifest_text(const Manifest& manifest) {
  Json shards = Json::array();
  for (const auto& shard : manifest.shards) shards.push_back(Json::parse(to_json(shard)));
  const Json json{
      {"stage", manifest.stage}, {"pipeline", manifest.pipeline.lines}, {"shards", shards}};
  // Whatever a description holds, the manifest is text.
  return seal(kind, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Manifest parse_manifest(std::string_view text, const std::string& shown) {
  try {
    if (const auto line = unseal(kind, text)) return manifest_of(Json::parse(*line));
  } catch (const std::exception&) {
    // Its checksum is right, but another program wrote it.
  }
  throw ShardError(
      fmt::format("the manifest {} is damaged, or none of this version of sluice; "
                  "delete it and resume the run: the stage's shards are listed anew",
                  shown));
}

Manifest parse_manifest(std::string_view text, const PipelineText& pipeline,
                        const std::string& shown) {
  auto manifest = parse_manifest(text, shown);
  require_same(manifest.pipeline, pipeline, shown);
  return manifest;
}

}  // namespace sluice::store
