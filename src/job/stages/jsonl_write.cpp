#include "base/capture.hpp"
#include "job/stages/json_value.hpp"
#include "job/stages/kinds.hpp"
#include "job/stages/worker_path.hpp"
#include "job/stages/write_file.hpp"
#include "store/atomic_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::job {
namespace {

Payload parse_payload(const std::string& text) {
  if (text == "base64") return Payload::base64;
  if (text == "digest") return Payload::digest;
  throw UsageError(
      fmt::format(R"(settings.payload must be "base64" or "digest"; it is "{}")", text));
}

class JsonlWrite final : public RecordStage {
 public:
  explicit JsonlWrite(const Settings& settings)
      : path_(settings.string("path")), payload_(parse_payload(settings.string("payload"))) {
    if (!path_.has_filename()) {
      throw UsageError(fmt::format("settings.path = \"{}\" does not name a file", path_.string()));
    }
  }

  void setup(const WorkerContext& context) override {
    target_.emplace(worker_path(path_, context));
    file_.emplace(target_->temporary());
  }

  // All lines of the batch or, if a record has none, nothing: it may come again.
  void process(Batch<Record>& batch, Emitter<Record>& out) override {
    std::string lines;
    for (std::size_t i = 0; i < batch.size(); ++i) lines += line_of(batch[i], i);
    file_->write(lines);
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, std::move(batch[i]));
  }

  void teardown() override {
    file_->close();
    target_->commit();
  }

 private:
  std::string line_of(const Record& record, std::size_t i) const {
    try {
      return to_json(record, payload_) + '\n';
    } catch (const Error& error) {
      throw RecordError(i, error.what(), error.code());
    } catch (const std::exception& error) {
      throw RecordError(i, error.what());
    }
  }

  std::filesystem::path path_;
  Payload payload_;
  // Removed without a commit if the run fails.
  std::optional<store::AtomicFile> target_;
  std::optional<OutputFile> file_;
};

std::string hint(const Settings& settings, const std::filesystem::path& run_dir) {
  const auto path = written_path(settings.string("path"), run_dir).string();
  return fmt::format("{}: one JSON object a line; look at it with: head -n 3 {}", path,
                     shell_quoted(path));
}

void merge_lines(const std::vector<std::filesystem::path>& parts,
                 const std::filesystem::path& target) {
  store::AtomicFile output(target, store::AtomicFile::Temporary::own);
  OutputFile file(output.temporary());
  std::string block(1 << 20, '\0');
  for (const auto& part : parts) {
    std::ifstream lines(part, std::ios::binary);
    if (!lines) throw IoError(fmt::format("cannot read '{}'", part.string()));
    while (lines.read(block.data(), static_cast<std::streamsize>(block.size())) ||
           lines.gcount() > 0) {
      file.write(std::string_view(block).substr(0, static_cast<std::size_t>(lines.gcount())));
    }
  }
  file.close();
  output.commit();
}

}  // namespace

StageKind jsonl_write_kind() {
  StageKind kind;
  kind.name = "jsonl.write";
  kind.help = "Writes one JSON object a record: its key and its fields.";
  kind.settings = {
      {"path", SettingType::string, "", "the file; a relative one belongs to the run directory",
       true},
      {"payload", SettingType::string, "base64",
       R"(bytes and tensors: "base64" writes them whole, "digest" only their length and xxh64)"},
  };
  kind.defaults.workers = 1;
  kind.defaults.writes_at_teardown = true;
  kind.defaults.cpus = 0.25;
  kind.make = [](const Settings& settings) { return std::make_unique<JsonlWrite>(settings); };
  kind.output_hint = hint;
  kind.merge = &merge_lines;
  return kind;
}

}  // namespace sluice::job
