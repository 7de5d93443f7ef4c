#include "job/input.hpp"

#include "job/known_keys.hpp"
#include "job/read_file.hpp"
#include "store/checksum.hpp"
#include "store/object_store.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace sluice::job {
namespace {

// Owns what glob(3) allocates.
class Glob {
 public:
  explicit Glob(const std::string& pattern) {
    const int result = ::glob(pattern.c_str(), GLOB_MARK | GLOB_BRACE, &refuse_unreadable, &found_);
    if (result == 0 || result == GLOB_NOMATCH) return;
    throw InputError(
        fmt::format("cannot expand input.files '{}': {}", pattern,
                    result == GLOB_ABORTED ? unreadable_folder() : std::string("out of memory")));
  }
  ~Glob() { ::globfree(&found_); }
  Glob(const Glob&) = delete;
  Glob& operator=(const Glob&) = delete;

  // Without folders, which GLOB_MARK marks by a slash at the end.
  std::vector<std::string> files() const {
    std::vector<std::string> files(found_.gl_pathv, found_.gl_pathv + found_.gl_pathc);
    std::erase_if(files, [](const std::string& path) { return path.ends_with('/'); });
    return files;
  }

 private:
  static std::string& unreadable_folder() {
    thread_local std::string reason;
    return reason;
  }
  static int refuse_unreadable(const char* path, int error) {
    unreadable_folder() = fmt::format("'{}': {}", path, std::generic_category().message(error));
    return error == ENOENT || error == ENOTDIR ? 0 : 1;
  }

  glob_t found_{};
};

std::vector<std::string> expand(const std::vector<std::string>& patterns) {
  std::vector<std::string> paths;
  for (const auto& pattern : patterns) {
    const auto files = Glob(pattern).files();
    if (files.empty()) {
      throw InputError(fmt::format(
          "no file matches input.files '{}' (looked in '{}'); check the path and the folder in "
          "which sluice runs",
          pattern, std::filesystem::current_path().string()));
    }
    paths.insert(paths.end(), files.begin(), files.end());
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

std::string name_of(const InputEntry& entry) {
  return "input." + input_sources()[static_cast<std::size_t>(entry.source)];
}

Buffer text_of(const InputEntry& entry) {
  try {
    return read_file(entry.values.at(0));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", name_of(entry), error.what()));
  }
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

// As "bucket/key", which s3.get takes, and which makes tidy paths for sinks.
std::vector<std::string> object_keys(const std::string& uri, std::size_t limit) {
  const auto prefix = store::parse_s3_uri(uri);
  const auto objects = store::s3_client(store::find_s3_config())
                           ->list(prefix, limit, store::ObjectStore::Folders::skipped);
  std::vector<std::string> keys;
  keys.reserve(objects.size());
  for (const auto& object : objects) {
    keys.push_back(fmt::format("{}/{}", prefix.bucket, object.key));
  }
  return keys;
}

std::vector<Record> records_of(std::vector<std::string> keys, std::size_t limit) {
  std::vector<Record> records;
  records.reserve(std::min(keys.size(), limit));
  for (auto& key : keys) {
    if (records.size() == limit) break;
    records.emplace_back(std::move(key));
  }
  return records;
}

std::vector<Record> read_source(const InputEntry& entry, std::size_t limit) {
  switch (entry.source) {
    case InputEntry::Source::files:
      return records_of(expand(entry.values), limit);
    case InputEntry::Source::list:
      return records_of(lines_of(text_of(entry).view()), limit);
    case InputEntry::Source::keys:
      return records_of(entry.values, limit);
    case InputEntry::Source::s3:
      return records_of(object_keys(entry.values.at(0), limit), limit);
    case InputEntry::Source::jsonl:
      break;
  }
  return read_jsonl(text_of(entry).view(), entry.values.at(0), limit);
}

std::string digest_of(const std::vector<Record>& records) {
  std::uint64_t digest = 0;
  for (const auto& record : records) {
    const std::uint64_t length = record.key.size();
    digest = store::checksum(record.key, store::checksum(&length, sizeof length, digest));
  }
  return fmt::format("{:016x}", digest);
}

// Neighbours are often alike in size, so they go to different shards.
std::vector<Record> part_of(std::vector<Record> records, const Shard& shard) {
  std::vector<Record> part;
  part.reserve(records.size() / shard.count + 1);
  for (auto i = shard.index - 1; i < records.size(); i += shard.count) {
    part.push_back(std::move(records[i]));
  }
  if (!part.empty()) return part;
  throw InputError(
      fmt::format("input.shard = \"{}/{}\" is empty, since the input has {} records; "
                  "split it into fewer shards",
                  shard.index, shard.count, records.size()));
}

}  // namespace

std::vector<Record> read_input(const InputEntry& entry, InputFacts* whole) {
  auto records = read_source(entry, entry.limit.value_or(std::numeric_limits<std::size_t>::max()));
  if (whole != nullptr) *whole = {records.size(), digest_of(records)};
  if (!records.empty()) {
    return entry.shard ? part_of(std::move(records), *entry.shard) : records;
  }
  throw InputError(
      fmt::format("the input is empty: {} = {} gives no records", name_of(entry), entry.values));
}

}  // namespace sluice::job
