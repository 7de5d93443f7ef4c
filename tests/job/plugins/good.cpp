#include <sluice/registry.hpp>

#include <memory>
#include <string>
#include <utility>

namespace {

class Shout final : public sluice::MapStage<sluice::Record, sluice::Record> {
 public:
  explicit Shout(std::string mark) : mark_(std::move(mark)) {}
  sluice::Record map(sluice::Record record) override {
    record.key += mark_;
    return record;
  }

 private:
  std::string mark_;
};

}  // namespace

SLUICE_PLUGIN(registry) {
  sluice::StageKind kind;
  kind.name = "shout";
  kind.help = "Adds a mark to the key.";
  kind.settings = {{"mark", sluice::SettingType::string, "!", "what to add"}};
  kind.make = [](const sluice::Settings& settings) {
    return std::make_unique<Shout>(settings.string("mark"));
  };
  registry.add(std::move(kind));
}
