#pragma once

#include "job/check_settings.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/registry.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::job {

using SettingTexts = std::vector<std::pair<std::string, std::string>>;

/// The settings of the kind, given as they stand in a job file.
inline Settings settings_of(const StageKind& kind, const SettingTexts& given) {
  RawTable table;
  for (const auto& [name, text] : given) table.emplace(name, parse_value(text));
  return check_settings(kind, table, "s", {"job.toml", 1});
}

/// One worker's stage of a built-in kind, and what the engine would do with it.
class StageDriver {
 public:
  StageDriver(const StageKind& kind, const SettingTexts& given)
      : stage_(kind.make(settings_of(kind, given))) {}

  void setup(const std::filesystem::path& run_dir, std::size_t worker = 0,
             std::size_t workers = 1) {
    stage_->setup({"s", worker, workers, 0, "here", run_dir});
  }
  std::vector<Record> process(std::vector<Record> records) {
    Batch<Record> batch(std::move(records));
    Emitter<Record> out(batch.size());
    stage_->process(batch, out);
    return std::move(out.records());
  }
  void teardown() { stage_->teardown(); }

 private:
  std::unique_ptr<RecordStage> stage_;
};

inline Record record_with(const std::string& key, const std::string& field, Value value) {
  Record record(key);
  record.set(field, std::move(value));
  return record;
}

}  // namespace sluice::job
