#include "fuzz/target.hpp"
#include "transport/envelope.hpp"

#include <sluice/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(sluice::fuzz::text_of(data, size));
  try {
    sluice::transport::open_envelope(bytes);
  } catch (const sluice::InvariantError&) {
  }
  return 0;
}
