#include "job/stages/kinds.hpp"
#include "store/object_store.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace sluice::job {
namespace {

class S3Get final : public RecordStage {
 public:
  explicit S3Get(const Settings& settings)
      : field_(settings.string("field")), root_(settings.string("root")) {
    if (!root_.empty()) store::parse_s3_uri(root_);
    if (!root_.empty() && !root_.ends_with('/')) root_ += '/';
  }

  void setup(const WorkerContext&) override {
    objects_ = store::s3_client(store::find_s3_config());
  }

  void process(Batch<Record>& batch, Emitter<Record>& out) override {
    std::vector<store::ObjectName> names;
    for (std::size_t i = 0; i < batch.size(); ++i) names.push_back(name_of(batch[i].key, i));
    auto found = objects_->fetch(names);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!found[i].fault.empty()) throw RecordError(i, found[i].fault, ExitCode::input);
      batch[i].set(field_, std::move(found[i].bytes));
      out.emit(i, std::move(batch[i]));
    }
  }

 private:
  store::ObjectName name_of(const std::string& key, std::size_t i) const {
    try {
      return store::parse_s3_uri(store::is_s3_uri(key) ? key : root_ + key);
    } catch (const Error& error) {
      throw RecordError(i, error.what(), ExitCode::input);
    }
  }

  std::string field_;
  std::string root_;
  std::unique_ptr<store::ObjectStore> objects_;
};

}  // namespace

StageKind s3_get_kind() {
  StageKind kind;
  kind.name = "s3.get";
  kind.help = "Gets the object that the record's key names (BUCKET/KEY or s3://BUCKET/KEY).";
  kind.settings = {
      {"field", SettingType::string, "bytes", "the field that gets the object's bytes"},
      {"root", SettingType::string, "",
       "what goes before keys that are no s3:// URIs, such as \"s3://bucket/pages\""},
  };
  kind.defaults.batch_size = 16;  // so many requests are under way at once
  kind.defaults.cpus = 0.25;
  kind.make = [](const Settings& settings) { return std::make_unique<S3Get>(settings); };
  return kind;
}

}  // namespace sluice::job
