#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Every file *_fuzz.cpp here defines this: whatever the bytes, it returns, having got what they
/// say or an error that says what is wrong with them. Under clang libFuzzer looks for bytes with
/// which it does not; else tests/fuzz/replay.cpp goes through those that were found before.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sluice::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace sluice::fuzz
