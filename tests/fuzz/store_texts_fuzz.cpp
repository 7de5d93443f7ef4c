#include "fuzz/target.hpp"
#include "store/manifest.hpp"
#include "store/sealed_text.hpp"
#include "store/shard_error.hpp"

// The texts of a store: manifests, and what stands at a shard's start. As they come, and under a
// checksum that is right, as what an older or newer version wrote would be.
namespace sluice::store {
namespace {

void parse(std::string_view text) {
  try {
    parse_manifest(text, "'fuzz'");
  } catch (const ShardError&) {
  }
  parse_shard_head(text);
}

}  // namespace
}  // namespace sluice::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::store;
  const auto text = sluice::fuzz::text_of(data, size);
  parse(text);
  parse(seal("sluice-manifest 1", text));
  parse(seal("sluice-shard 1", text));
  return 0;
}
