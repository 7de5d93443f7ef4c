#include "fuzz/target.hpp"
#include "process/died.hpp"
#include "process/result_table.hpp"

#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::process;
  static MemoryFile memory("fuzz", 1 << 20, MemoryFile::Use::read_write);
  static const std::vector<SentValue> sent{{0, 0, {}}, {0, 100, sluice::Buffer(100)}, {128, 9, {}}};
  if (size == 0 || size > memory.limit()) return 0;
  memory.grow(size);
  std::memcpy(memory.at(0), data, size);
  try {
    const ResultTable table({0, size}, memory, 3, sent);
    table.records(nullptr, memory);
    table.records(std::make_shared<int>(0), memory);
  } catch (const Garbage&) {
  }
  return 0;
}
