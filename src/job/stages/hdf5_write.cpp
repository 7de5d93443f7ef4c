#include "base/capture.hpp"
#include "job/stages/kinds.hpp"
#include "job/stages/worker_path.hpp"
#include "store/hdf5_merge.hpp"
#include "store/hdf5_record_writer.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace sluice::job {
namespace {

class Hdf5Write final : public RecordStage {
 public:
  Hdf5Write(std::filesystem::path path, std::vector<std::string> fields)
      : path_(std::move(path)), fields_(std::move(fields)) {}

  void setup(const WorkerContext& context) override {
    writer_.emplace(worker_path(path_, context), fields_);
  }

  void process(Batch<Record>& batch, Emitter<Record>& out) override {
    writer_->append(std::span(batch.begin(), batch.end()));
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, std::move(batch[i]));
  }

  void teardown() override {
    writer_->commit();
    writer_.reset();
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> fields_;
  std::optional<store::Hdf5RecordWriter> writer_;
};

std::unique_ptr<RecordStage> make_hdf5_write(const Settings& settings) {
  const std::filesystem::path path = settings.string("path");
  if (path.filename().empty()) {
    throw UsageError(
        fmt::format("hdf5.write: path '{}' names no file; write for example "
                    "path = \"pages.h5\"",
                    path.string()));
  }
  auto fields = settings.string_list("fields");
  for (auto it = fields.begin(); it != fields.end(); ++it) {
    if (std::find(fields.begin(), it, *it) == it) continue;
    throw UsageError(fmt::format("hdf5.write: fields names '{}' twice; name it once", *it));
  }
  return std::make_unique<Hdf5Write>(path, std::move(fields));
}

std::string hdf5_write_hint(const Settings& settings, const std::filesystem::path& run_dir) {
  const auto path = written_path(settings.string("path"), run_dir);
  const auto& fields = settings.string_list("fields");
  return fmt::format("{0} (h5ls -r {1} lists its datasets, h5dump -d {2} {1} shows one)",
                     path.string(), shell_quoted(path.string()),
                     shell_quoted("/" + (fields.empty() ? "key" : fields.front())));
}

}  // namespace

StageKind hdf5_write_kind() {
  StageKind kind;
  kind.name = "hdf5.write";
  kind.help = "Writes each record as a row of an HDF5 file, one dataset a field, and passes it on.";
  kind.settings = {
      {"path", SettingType::string, "",
       "the file, below the run directory; with several workers each has its own, with its number "
       "before the extension",
       true},
      {"fields", SettingType::string_list, "[]",
       "the fields to write; when empty, those of the first record, which all others must then "
       "have"},
  };
  kind.defaults.workers = 1;
  kind.defaults.writes_at_teardown = true;
  kind.defaults.cpus = 0.25;
  kind.make = make_hdf5_write;
  kind.output_hint = hdf5_write_hint;
  kind.merge = &store::merge_hdf5_files;
  return kind;
}

}  // namespace sluice::job
