#include "fuzz/target.hpp"
#include "process/died.hpp"
#include "process/frames.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::process;
  FrameReader reader;
  reader.add(sluice::fuzz::text_of(data, size));
  const auto read = [](auto body, const Frame& frame) {
    try {
      body(frame);
    } catch (const Garbage&) {
    }
  };
  try {
    while (const auto frame = reader.take()) {
      read(hello_of, *frame);
      read(result_of, *frame);
      read(failure_of, *frame);
    }
  } catch (const Garbage&) {
  }
  return 0;
}
