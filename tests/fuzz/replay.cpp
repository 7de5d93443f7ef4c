// Gives a fuzz target every file of the folders named, whole, cut short, and with bytes changed.
#include "fuzz/target.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace {

constexpr int variants = 300;

void give(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void give_variants(const std::string& bytes, std::mt19937_64& random) {
  give(bytes);
  for (int i = 0; i < variants && !bytes.empty(); ++i) {
    auto variant = bytes;
    for (auto changes = random() % 4; changes > 0; --changes) {
      variant[random() % variant.size()] = static_cast<char>(random());
    }
    if (random() % 3 == 0) variant.resize(random() % variant.size());
    give(variant);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937_64 random(1);
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::exists(argv[i])) continue;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      give_variants({std::istreambuf_iterator<char>(file), {}}, random);
      ++files;
    }
  }
  std::printf("%d files, %d variants of each\n", files, variants);
  return files > 0 ? 0 : 1;
}
