#include "fuzz/target.hpp"
#include "store/journal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

// In memory, if there is such a file system.
std::filesystem::path own_file() {
  const std::filesystem::path memory("/dev/shm");
  const auto folder =
      std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  return folder / fmt::format("sluice-journal-fuzz-{}", ::getpid());
}

struct OwnFile {
  std::filesystem::path path = own_file();
  OwnFile() = default;
  ~OwnFile() { std::filesystem::remove(path); }
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const OwnFile file;
  std::ofstream(file.path, std::ios::binary) << sluice::fuzz::text_of(data, size);
  const auto text = sluice::store::Journal::read(file.path);
  if (text.bytes + text.dropped != size) std::abort();
  return 0;
}
