// Messages that claim to hold more than they do: whoever reads them makes no room for it.
#include <sluice/any_stage.hpp>
#include <sluice/codec.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <map>
#include <memory>

namespace sluice {
namespace {

constexpr std::uint64_t huge = std::uint64_t{1} << 34;

std::size_t allocated = 0;

// Counts what vectors make room for.
template <class T>
struct Counting : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Counting<U>;
  };
  T* allocate(std::size_t count) {
    allocated += count * sizeof(T);
    return std::allocator<T>::allocate(count);
  }
};

struct Wide {
  std::array<std::uint64_t, 64> numbers{};
  std::string name;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name);
  }
};

struct Silent {
  int unsaid = 0;
  template <class Archive>
  void serialize(Archive&) {}
};

std::string claim(std::uint64_t count, const std::string& rest = "0123456789") {
  std::string bytes;
  Encoder(bytes).write_size(count);
  return bytes + rest;
}

template <class T>
void read(const std::string& bytes) {
  T value;
  Decoder decoder(bytes);
  decoder(value);
}

TEST(Claims, OfContainersAreRefusedWhereTheBytesCannotHoldThem) {
  EXPECT_THROW(read<std::string>(claim(huge)), DecodeError);
  EXPECT_THROW(read<std::string>(claim(11)), DecodeError);
  EXPECT_THROW(read<std::vector<bool>>(claim(huge)), DecodeError);
  EXPECT_THROW((read<std::map<int, int>>(claim(huge))), DecodeError);
  EXPECT_THROW((read<std::unordered_map<int, int>>(claim(huge))), DecodeError);
  EXPECT_THROW(read<std::vector<Silent>>(claim(huge)), DecodeError);
  EXPECT_NO_THROW(read<std::string>(claim(10)));
  EXPECT_NO_THROW(read<std::vector<Silent>>(claim(1000, "")));
}

TEST(Claims, OfVectorsGetNoMoreRoomThanTheirBytesFill) {
  using Numbers = std::vector<double, Counting<double>>;
  using Wides = std::vector<Wide, Counting<Wide>>;
  const std::string rest(6400, '\0');
  for (const std::uint64_t count : {std::uint64_t{801}, huge, std::uint64_t{1} << 63}) {
    allocated = 0;
    EXPECT_THROW(read<Numbers>(claim(count, rest)), DecodeError) << count;
    EXPECT_EQ(allocated, 0u) << count;
  }
  allocated = 0;
  EXPECT_NO_THROW(read<Numbers>(claim(800, rest)));
  EXPECT_EQ(allocated, 6400u);
  // An element's own size is no matter: there is room for those that were read, as vectors grow.
  allocated = 0;
  EXPECT_THROW(read<Wides>(claim(huge, std::string(10, '\0'))), DecodeError);
  EXPECT_LE(allocated, 4 * 16 * sizeof(Wide));
}

std::string batch(std::initializer_list<std::uint64_t> sizes, const std::string& rest = "") {
  std::string bytes;
  Encoder encoder(bytes);
  for (const auto size : sizes) encoder.write_size(size);
  return bytes + rest;
}

TEST(Claims, OfBatchesWhoseSizesWrapAroundAreRefused) {
  const auto half = std::uint64_t{1} << 63;
  // Count; a run of ids: length, origin, path; a run of sizes: length, bytes, buffers.
  EXPECT_NO_THROW(EncodedBatch::unpack(batch({2, 2, 0, 0, 2, 1, 0}, "ab"), {}));
  EXPECT_THROW(EncodedBatch::unpack(batch({2, 2, 0, 0, 2, half, 0}), {}), DecodeError);
  EXPECT_THROW(EncodedBatch::unpack(batch({2, 2, 0, 0, 2, 0, half}), {}), DecodeError);
  EXPECT_THROW(EncodedBatch::unpack(batch({2, 2, 0, 0, 1, 3, 0, 1, half + half - 1, 0}, "ab"), {}),
               DecodeError);
}

TEST(Claims, OfManyRecordsWithOneLongPathAreRefused) {
  std::string bytes = batch({1 << 20, 1 << 20, 0, 1000}, std::string(1000, 'p'));
  bytes += batch({1 << 20, 0, 0});
  EXPECT_THROW(EncodedBatch::unpack(bytes, {}), DecodeError);
}

}  // namespace
}  // namespace sluice
