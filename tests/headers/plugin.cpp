// What a plugin's author writes, under our strictest warnings.
#include <sluice/registry.hpp>

namespace {

class Shout final : public sluice::MapStage<sluice::Record, sluice::Record> {
 public:
  sluice::Record map(sluice::Record record) override {
    record.set("text", record.get<std::string>("text") + "!");
    return record;
  }
};

}  // namespace

SLUICE_PLUGIN(registry) {
  registry.add({.name = "shout",
                .help = "Adds an exclamation mark to the field text.",
                .settings = {{.name = "times",
                              .type = sluice::SettingType::integer,
                              .fallback = "1",
                              .help = "How many marks."}},
                .defaults = {.batch_size = 8},
                .make = [](const sluice::Settings&) { return std::make_unique<Shout>(); },
                .output_hint = nullptr});
}
