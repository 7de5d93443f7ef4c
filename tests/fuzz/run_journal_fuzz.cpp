#include "fuzz/target.hpp"
#include "runtime/run_journal.hpp"

#include <sluice/error.hpp>

#include <sstream>

// The entries of a journal, each a line whose checksum was right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream lines(std::string(sluice::fuzz::text_of(data, size)));
  std::vector<std::string> entries;
  for (std::string line; std::getline(lines, line);) entries.push_back(line);
  try {
    sluice::runtime::replay(entries);
  } catch (const sluice::InputError&) {
  }
  return 0;
}
