#include "job/stages/key_path.hpp"
#include "job/stages/kinds.hpp"
#include "job/stages/payload_view.hpp"
#include "job/stages/write_file.hpp"
#include "store/atomic_file.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace sluice::job {
namespace {

constexpr const char* scratch = ".partial";

class FsWrite final : public MapStage<Record, Record> {
 public:
  explicit FsWrite(const Settings& settings)
      : dir_(settings.string("dir")),
        field_(settings.string("field")),
        suffix_(settings.string("suffix")) {
    if (suffix_.find('/') != std::string::npos) {
      throw UsageError(fmt::format("settings.suffix = \"{}\" holds a '/'", suffix_));
    }
  }

  void setup_on_node(const WorkerContext& context) override {
    store::AtomicFile::sweep(context.run_dir / dir_ / scratch);
  }
  void setup(const WorkerContext& context) override { folder_ = context.run_dir / dir_; }

  Record map(Record record) override {
    write_file(folder_ / key_path(record.key, suffix_), payload_view(record, field_),
               folder_ / scratch);
    return record;
  }

 private:
  std::filesystem::path dir_;
  std::string field_;
  std::string suffix_;
  std::filesystem::path folder_;
};

std::string hint(const Settings& settings, const std::filesystem::path& run_dir) {
  const auto folder = run_dir / settings.string("dir");
  return fmt::format("{}: one file a record; look at them with: find '{}' -type f | head",
                     folder.string(), folder.string());
}

}  // namespace

StageKind fs_write_kind() {
  StageKind kind;
  kind.name = "fs.write";
  kind.help = "Writes a bytes or string field to a file of its own, named by the record's key.";
  kind.settings = {
      {"dir", SettingType::string, "",
       "folder of the files; relative ones belong to the run directory", true},
      {"field", SettingType::string, "bytes", "the field to write"},
      {"suffix", SettingType::string, "",
       "appended to the key to make the file's name, such as \".txt\""},
  };
  kind.make = [](const Settings& settings) { return std::make_unique<FsWrite>(settings); };
  kind.output_hint = hint;
  return kind;
}

}  // namespace sluice::job
