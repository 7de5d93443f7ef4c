#include "job/stages/kinds.hpp"
#include "job/stages/payload_view.hpp"
#include "store/object_store.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

namespace sluice::job {
namespace {

constexpr std::size_t longest_key = 1024;  // of S3, in bytes

class S3Put final : public RecordStage {
 public:
  explicit S3Put(const Settings& settings)
      : to_(folder(settings.string("to"))),
        field_(settings.string("field")),
        suffix_(settings.string("suffix")) {}

  void setup(const WorkerContext&) override {
    objects_ = store::s3_client(store::find_s3_config());
  }

  void process(Batch<Record>& batch, Emitter<Record>& out) override {
    std::vector<store::ObjectStore::Upload> uploads;
    for (std::size_t i = 0; i < batch.size(); ++i) uploads.push_back(upload_of(batch[i], i));
    const auto faults = objects_->store(uploads);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!faults[i].empty()) throw RecordError(i, faults[i], ExitCode::io);
      out.emit(i, std::move(batch[i]));
    }
  }

 private:
  static store::ObjectName folder(const std::string& uri) {
    auto name = store::parse_s3_uri(uri);
    if (!name.key.empty() && !name.key.ends_with('/')) name.key += '/';
    return name;
  }

  store::ObjectStore::Upload upload_of(const Record& record, std::size_t i) const {
    store::ObjectName name{to_.bucket, to_.key + record.key + suffix_};
    if (record.key.empty() || name.key.size() > longest_key) {
      throw RecordError(i, fmt::format("key '{}' cannot name an object: with settings.to and "
                                       "settings.suffix it must have 1 to {} bytes",
                                       record.key, longest_key));
    }
    try {
      return {std::move(name), payload_view(record, field_)};
    } catch (const Error& error) {
      throw RecordError(i, error.what(), error.code());
    }
  }

  store::ObjectName to_;
  std::string field_;
  std::string suffix_;
  std::unique_ptr<store::ObjectStore> objects_;
};

std::string hint(const Settings& settings, const std::filesystem::path&) {
  return fmt::format("{}: one object a record, named by its key", settings.string("to"));
}

}  // namespace

StageKind s3_put_kind() {
  StageKind kind;
  kind.name = "s3.put";
  kind.help = "Puts a bytes or string field into an object of its own, named by the record's key.";
  kind.settings = {
      {"to", SettingType::string, "", "where the objects go, such as \"s3://bucket/texts\"", true},
      {"field", SettingType::string, "bytes", "the field to put"},
      {"suffix", SettingType::string, "",
       "appended to the key to make the object's name, such as \".txt\""},
  };
  kind.defaults.batch_size = 16;  // so many requests are under way at once
  kind.defaults.cpus = 0.25;
  kind.make = [](const Settings& settings) { return std::make_unique<S3Put>(settings); };
  kind.output_hint = hint;
  return kind;
}

}  // namespace sluice::job
