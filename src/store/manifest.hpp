#pragma once

#include "store/shard_info.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// What made a stage's records, so that nobody takes them for another's: lines that say, for
/// people too, what the input was and what each stage up to this one does.
struct PipelineText {
  std::vector<std::string> lines;

  /// 16 hexadecimal digits.
  std::string digest() const;
};

/// The list of a stage's committed shards: what is not in it does not exist for readers.
struct Manifest {
  std::string stage;
  PipelineText pipeline;
  std::vector<ShardInfo> shards;
};

std::string manifest_text(const Manifest& manifest);

/// `shown` names it in errors. Throws ShardError if it is damaged.
Manifest parse_manifest(std::string_view text, const std::string& shown);
/// As above, and throws UsageError, showing the first line that differs, if it is another
/// pipeline's.
Manifest parse_manifest(std::string_view text, const PipelineText& pipeline,
                        const std::string& shown);

}  // namespace sluice::store
