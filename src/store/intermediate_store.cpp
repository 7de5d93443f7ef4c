#include "store/intermediate_store.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace sluice::store {
namespace {

constexpr std::uint64_t full_bytes = 64 << 20;
constexpr std::string_view shard_suffix = ".h5";
constexpr std::string_view dead_suffix = ".dead";
constexpr std::string_view manifest_name = "manifest";

std::string file_name(const std::string& stage, std::string_view name) {
  return fmt::format("{}/{}", stage, name);
}

ShardInfo checked_info(std::string_view head, const std::string& shown,
                       const PipelineText* pipeline) {
  auto info = parse_shard_head(head);
  if (!info) {
    throw ShardError(
        fmt::format("{} is no shard, or a damaged one; delete it and resume the run: what it held "
                    "is made again",
                    shown));
  }
  if (pipeline == nullptr || info->pipeline == pipeline->digest()) return *std::move(info);
  throw UsageError(
      fmt::format("the shard {} was made by another pipeline, or from another input; resume the "
                  "job that it belongs to, or give this one another store",
                  shown));
}

}  // namespace

ShardDraft::ShardDraft(std::unique_ptr<FileDraft> file, ShardInfo info, Compression compression)
    : file_(std::move(file)), info_(std::move(info)), writer_(file_->path(), compression) {}

bool ShardDraft::full() const noexcept {
  return bytes() >= full_bytes || info_.splits.ranges().size() >= most_split_ranges;
}

ShardInfo ShardDraft::publish() {
  info_ = writer_.finish(std::move(info_));
  file_->publish();
  return info_;
}

OpenShard::OpenShard(std::unique_ptr<LocalFile> file, const std::string& shown,
                     const ShardInfo& info)
    : file_(std::move(file)), reader_(file_->path(), shown, info) {}

IntermediateStore::IntermediateStore(std::unique_ptr<FileStore> files, Compression compression)
    : files_(std::move(files)), compression_(compression) {}

std::unique_ptr<ShardDraft> IntermediateStore::begin_shard(const std::string& stage,
                                                           const std::string& name,
                                                           const PipelineText& pipeline) {
  ShardInfo info;
  info.name = name + std::string(shard_suffix);
  info.pipeline = pipeline.digest();
  auto file = files_->draft(file_name(stage, info.name));
  return std::unique_ptr<ShardDraft>(
      new ShardDraft(std::move(file), std::move(info), compression_));
}

std::vector<ShardInfo> IntermediateStore::published(const std::string& stage,
                                                    const PipelineText& pipeline) {
  return published(stage, &pipeline);
}

std::vector<ShardInfo> IntermediateStore::shards_of(const std::string& stage) {
  const auto name = file_name(stage, manifest_name);
  if (const auto text = files_->read(name)) {
    return parse_manifest(*text, files_->shown(name)).shards;
  }
  return published(stage, nullptr);
}

std::vector<ShardInfo> IntermediateStore::published(const std::string& stage,
                                                    const PipelineText* pipeline) {
  std::vector<std::string> names;
  for (const auto& name : files_->list(stage)) {
    if (name.ends_with(shard_suffix)) names.push_back(file_name(stage, name));
  }
  const auto heads = files_->heads(names, shard_head_bytes);
  std::vector<ShardInfo> shards;
  for (std::size_t i = 0; i < names.size(); ++i) {
    shards.push_back(checked_info(heads[i], files_->shown(names[i]), pipeline));
  }
  return without_overlaps(std::move(shards));
}

void IntermediateStore::write_dead_letters(const std::string& stage, const std::string& shard,
                                           const std::vector<DeadLetter>& letters) {
  if (letters.empty()) return;
  std::string text;
  for (const auto& letter : letters) text += to_line(letter);
  files_->write(file_name(stage, shard + std::string(dead_suffix)), text);
}

std::vector<DeadLetter> IntermediateStore::dead_letters(const std::string& stage,
                                                        const std::vector<ShardInfo>& shards) {
  std::vector<DeadLetter> result;
  const auto names = files_->list(stage);
  for (const auto& shard : shards) {
    const auto name = shard.name + std::string(dead_suffix);
    if (!std::binary_search(names.begin(), names.end(), name)) continue;
    const auto text = files_->read(file_name(stage, name));
    auto letters = parse_dead_letters(text.value_or(""));
    std::move(letters.begin(), letters.end(), std::back_inserter(result));
  }
  return result;
}

std::unique_ptr<OpenShard> IntermediateStore::open_shard(const std::string& stage,
                                                         const ShardInfo& shard) {
  const auto name = file_name(stage, shard.name);
  return std::unique_ptr<OpenShard>(new OpenShard(files_->open(name), files_->shown(name), shard));
}

void IntermediateStore::publish_manifest(const Manifest& manifest) {
  files_->write(file_name(manifest.stage, manifest_name), manifest_text(manifest));
}

std::optional<Manifest> IntermediateStore::read_manifest(const std::string& stage,
                                                         const PipelineText& pipeline) {
  const auto name = file_name(stage, manifest_name);
  const auto text = files_->read(name);
  if (!text) return std::nullopt;
  return parse_manifest(*text, pipeline, files_->shown(name));
}

bool IntermediateStore::is_whole(const Manifest& manifest) {
  const auto names = files_->list(manifest.stage);
  return std::all_of(manifest.shards.begin(), manifest.shards.end(), [&](const auto& shard) {
    return std::binary_search(names.begin(), names.end(), shard.name);
  });
}

void IntermediateStore::remove_manifest(const std::string& stage) {
  files_->remove({file_name(stage, manifest_name)});
}

void IntermediateStore::remove_files(const std::string& stage, std::vector<std::string> names) {
  for (auto& name : names) name = file_name(stage, name);
  files_->remove(names);
}

void IntermediateStore::remove_stage(const std::string& stage) {
  remove_manifest(stage);
  files_->remove_folder(stage);
}

}  // namespace sluice::store
