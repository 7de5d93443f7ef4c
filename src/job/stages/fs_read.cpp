#include "job/read_file.hpp"
#include "job/stages/kinds.hpp"

#include <memory>
#include <utility>

namespace sluice::job {
namespace {

class FsRead final : public MapStage<Record, Record> {
 public:
  explicit FsRead(const Settings& settings)
      : field_(settings.string("field")), root_(settings.string("root")) {}

  Record map(Record record) override {
    record.set(field_, read_file(root_.empty() ? std::filesystem::path(record.key)
                                               : root_ / std::filesystem::path(record.key)));
    return record;
  }

 private:
  std::string field_;
  std::filesystem::path root_;
};

}  // namespace

StageKind fs_read_kind() {
  StageKind kind;
  kind.name = "fs.read";
  kind.help = "Reads the file that the record's key names into a bytes field.";
  kind.settings = {
      {"field", SettingType::string, "bytes", "the field that gets the file's bytes"},
      {"root", SettingType::string, "",
       "folder that relative keys belong to; the current one if empty"},
  };
  kind.make = [](const Settings& settings) { return std::make_unique<FsRead>(settings); };
  return kind;
}

}  // namespace sluice::job
