#include "fuzz/target.hpp"

#include <sluice/sluice.hpp>

namespace sluice {
namespace {

constexpr std::size_t most_buffers = 4;

// Reads all that a batch says it has, and its records as those of job files.
void read(const EncodedBatch& batch) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    bytes += batch.id(i).path.size() + batch.record_bytes(i).size();
    for (const auto& buffer : batch.record_buffers(i)) bytes += buffer.size();
  }
  if (bytes > batch.stored_bytes() + (batch.size() << 16)) __builtin_trap();
  record_type<Record>().decode(batch);
}

void unpack(std::string_view text) {
  if (text.empty()) return;
  std::vector<Buffer> buffers;
  const auto count = static_cast<unsigned char>(text.back()) % most_buffers;
  for (std::size_t i = 0; i < count; ++i) buffers.emplace_back(8 * i);
  try {
    read(EncodedBatch::unpack(text.substr(0, text.size() - 1), std::move(buffers)));
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::unpack(sluice::fuzz::text_of(data, size));
  return 0;
}
