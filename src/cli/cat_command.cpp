#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "job/job_file.hpp"
#include "job/stages/json_value.hpp"
#include "runtime/batch_book.hpp"

#include <sluice/error.hpp>
#include <sluice/record.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace sluice::cli {
namespace {

constexpr std::uint64_t read_records = 1024;
constexpr std::uint64_t read_bytes = 8 << 20;

// The stage's folder in the store.
std::string folder_of(const job::JobFile& job, const CatArguments& arguments) {
  std::string names;
  for (std::size_t k = 0; k < job.stages.size(); ++k) {
    const auto& name = job.stages[k].name;
    if (name == arguments.stage || std::to_string(k + 1) == arguments.stage) {
      return runtime::stage_folder(k, name, arguments.replay);
    }
    names += fmt::format("{}'{}'", k == 0 ? "" : ", ", name);
  }
  throw UsageError(
      fmt::format("there is no stage '{}'; the stages are {}", arguments.stage, names));
}

void print(const EncodedBatch& batch, const CatArguments& arguments) {
  const auto& keys = arguments.keys;
  const auto payload = arguments.payload ? job::Payload::base64 : job::Payload::digest;
  const auto decoded = record_type<Record>().decode(batch);
  for (const auto& record : *static_cast<std::vector<Record>*>(decoded.records.get())) {
    if (!keys.empty() && std::find(keys.begin(), keys.end(), record.key) == keys.end()) continue;
    fmt::print("{}\n", job::to_json(record, payload));
  }
}

void print(store::ShardReader& reader, const CatArguments& arguments) {
  for (std::uint64_t at = 0; at < reader.size();) {
    const auto batch = reader.read(at, read_records, read_bytes);
    at += batch.size();
    print(batch, arguments);
  }
}

}  // namespace

int show_records(const CatArguments& arguments) {
  const auto run_dir = std::filesystem::absolute(arguments.run_dir);
  const auto record = load_record(run_dir);
  std::filesystem::current_path(record.folder);
  const auto job = job::parse_job(record.job, record.file, record.sets);
  RunOptions options;
  options.run_dir = run_dir;
  options.batch = job.batch;
  auto store = runtime::open_intermediates(options);
  const auto folder = folder_of(job, arguments);
  const auto shards = store.shards_of(folder);
  if (shards.empty()) {
    throw InputError(
        fmt::format("the store holds nothing of stage '{}': it has made nothing yet, or it was "
                    "deleted when the next stage was finished (pipeline.keep_intermediates = true "
                    "keeps it)",
                    arguments.stage));
  }
  for (const auto& shard : shards) print(store.open_shard(folder, shard)->reader(), arguments);
  return 0;
}

}  // namespace sluice::cli
