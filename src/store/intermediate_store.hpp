#pragma once

#include "store/dead_letters.hpp"
#include "store/file_store.hpp"
#include "store/manifest.hpp"
#include "store/shard_reader.hpp"
#include "store/shard_writer.hpp"
#include "store/store_claim.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

/// A shard of a stage that is being written. Nobody sees it before it is published, and without
/// that nothing remains of it.
class ShardDraft {
 public:
  /// Of `splits`, every record must have been appended before `publish`; a split without records
  /// belongs to a shard too.
  void append(const EncodedBatch& batch) { writer_.append(batch); }
  void cover(std::uint64_t split) { info_.splits.add(split); }
  void cover(SplitRange splits) { info_.splits.add(splits); }

  const std::string& name() const noexcept { return info_.name; }
  std::uint64_t records() const noexcept { return writer_.records(); }
  std::uint64_t bytes() const noexcept { return writer_.bytes(); }
  /// Large enough: publish it, and begin another. Reached at 64 MiB, or when it covers so many
  /// splits that its head is full.
  bool full() const noexcept;

  /// The commit: from here on its splits need not be done again. Throws IoError.
  ShardInfo publish();

 private:
  friend class IntermediateStore;
  ShardDraft(std::unique_ptr<FileDraft> file, ShardInfo info, Compression compression);

  std::unique_ptr<FileDraft> file_;
  ShardInfo info_;
  ShardWriter writer_;
};

/// A published shard, open for reading.
class OpenShard {
 public:
  ShardReader& reader() noexcept { return reader_; }

 private:
  friend class IntermediateStore;
  OpenShard(std::unique_ptr<LocalFile> file, const std::string& shown, const ShardInfo& info);

  std::unique_ptr<LocalFile> file_;  ///< a copy, if the shard is an object
  ShardReader reader_;
};

/// Where batch mode keeps what a stage made until the next one has read it: a folder, or objects
/// under a prefix, the same files in both (docs/shard-format.md). A stage is named as its folder,
/// "2-ocr". For one thread; every rank has its own, for the same place.
class IntermediateStore {
 public:
  explicit IntermediateStore(std::unique_ptr<FileStore> files,
                             Compression compression = Compression::none);

  /// `name` must never have been used in this stage: let it hold the attempt of the run, the rank
  /// and a number. Throws IoError.
  std::unique_ptr<ShardDraft> begin_shard(const std::string& stage, const std::string& name,
                                          const PipelineText& pipeline);

  /// What an unfinished stage has published so far, sorted by name, no split twice: the splits that
  /// these cover are done. Throws ShardError if one is damaged or of another pipeline.
  std::vector<ShardInfo> published(const std::string& stage, const PipelineText& pipeline);

  /// What was given up in the splits of a shard that is about to be published, beside it; nothing
  /// is written if that is nothing. Throws IoError.
  void write_dead_letters(const std::string& stage, const std::string& shard,
                          const std::vector<DeadLetter>& letters);
  /// Those of the shards, which are published. Throws InputError.
  std::vector<DeadLetter> dead_letters(const std::string& stage,
                                       const std::vector<ShardInfo>& shards);

  /// A shard that a manifest, or `published`, lists. Throws ShardError.
  std::unique_ptr<OpenShard> open_shard(const std::string& stage, const ShardInfo& shard);
  /// Whether that takes as long as fetching all of it.
  bool fetches() const noexcept { return files_->fetches(); }

  /// The commit of a whole stage, at the barrier; throws IoError.
  void publish_manifest(const Manifest& manifest);
  /// Nothing if the stage is not finished. Throws ShardError if it is damaged, and UsageError,
  /// saying what differs, if it is another pipeline's.
  std::optional<Manifest> read_manifest(const std::string& stage, const PipelineText& pipeline);

  /// The shards of a stage, finished or not, whatever pipeline made them: for people who look at
  /// them. Throws ShardError.
  std::vector<ShardInfo> shards_of(const std::string& stage);

  /// Whether all shards that it lists are there; whether they are sound shows when they are read.
  bool is_whole(const Manifest& manifest);

  /// For a run that begins to work here, and who did so last.
  StoreClaim claim() { return StoreClaim(*files_); }
  std::optional<RunOwner> claimant() { return store::claimant(*files_); }

  /// Its manifest first, so that no reader is promised what is going.
  void remove_stage(const std::string& stage);
  /// The same bit by bit: these of its files, once its manifest is removed.
  void remove_files(const std::string& stage, std::vector<std::string> names);
  std::vector<std::string> files_of(const std::string& stage) { return files_->list(stage); }
  /// The manifest alone: its shards are those of an unfinished stage again.
  void remove_manifest(const std::string& stage);
  /// What killed workers left; only while nobody writes.
  void remove_drafts(const std::string& stage) { files_->remove_drafts(stage); }

 private:
  std::vector<ShardInfo> published(const std::string& stage, const PipelineText* pipeline);

  std::unique_ptr<FileStore> files_;
  Compression compression_;
};

}  // namespace sluice::store
