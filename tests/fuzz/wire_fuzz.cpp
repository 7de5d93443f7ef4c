#include "fuzz/target.hpp"
#include "runtime/protocol.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::size_t most_buffers = 4;

// The last byte says how many buffers of a few bytes come along.
void unpack(std::string_view text) {
  transport::Message message{1, std::string(text), {}};
  if (!text.empty()) {
    const auto count = static_cast<unsigned char>(text.back()) % most_buffers;
    for (std::size_t i = 0; i < count; ++i) message.buffers.emplace_back(8 * i);
  }
  try {
    runtime::unpack(std::move(message));
  } catch (const DecodeError&) {
  }
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::unpack(sluice::fuzz::text_of(data, size));
  return 0;
}
