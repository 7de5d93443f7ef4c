#include "fuzz/target.hpp"
#include "store/shard_reader.hpp"
#include "store/shard_writer.hpp"

#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

// A shard with some of its bytes changed: the input is a row of (place, new byte).
namespace sluice::store {
namespace {

namespace fs = std::filesystem;

class Shard {
 public:
  Shard() {
    EncodedBatch batch;
    for (std::uint64_t i = 0; i < 40; ++i) {
      batch.open_bytes() += fmt::format("record {}", i);
      if (i % 5 == 0) batch.attach(Buffer(100));
      batch.end_record({i, RecordPath("path")});
    }
    ShardWriter writer(path_);
    writer.append(batch);
    info_ = writer.finish({"shard.h5", "digest", {}});
    std::ifstream file(path_, std::ios::binary);
    content_.assign(std::istreambuf_iterator<char>(file), {});
  }
  ~Shard() { fs::remove(path_); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void read_changed(std::string_view changes) const {
    auto content = content_;
    for (; changes.size() >= 5; changes.remove_prefix(5)) {
      std::uint32_t place = 0;
      std::memcpy(&place, changes.data(), sizeof place);
      content[place % content.size()] = changes[4];
    }
    std::ofstream(path_, std::ios::binary) << content;
    try {
      ShardReader reader(path_, "'fuzz'", info_);
      for (std::uint64_t at = 0; at < reader.size();) {
        at += reader.read(at, 16, std::numeric_limits<std::uint64_t>::max()).size();
      }
    } catch (const ShardError&) {
    }
  }

 private:
  static fs::path folder() {
    const fs::path memory("/dev/shm");
    return fs::exists(memory) ? memory : fs::temp_directory_path();
  }

  fs::path path_ = folder() / fmt::format("sluice-shard-fuzz-{}.h5", ::getpid());
  ShardInfo info_;
  std::string content_;
};

}  // namespace
}  // namespace sluice::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sluice::store::Shard shard;
  shard.read_changed(sluice::fuzz::text_of(data, size));
  // HDF5 itself leaks memory over damaged files, so a leak of ours shows here alone.
  if (H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) std::abort();
  return 0;
}
