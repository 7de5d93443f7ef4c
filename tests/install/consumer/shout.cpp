#include <sluice/registry.hpp>

namespace {

struct Shout : sluice::MapStage<sluice::Record, sluice::Record> {
  sluice::Record map(sluice::Record record) override {
    record.set("text", record.key + "!");
    return record;
  }
};

}  // namespace

SLUICE_PLUGIN(registry) {
  registry.add({.name = "shout",
                .help = "Sets the field text to the record's key and an exclamation mark.",
                .make = [](const sluice::Settings&) { return std::make_unique<Shout>(); }});
}
