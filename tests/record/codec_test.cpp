#include <sluice/any_stage.hpp>
#include <sluice/record.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <memory>

namespace sluice {
namespace {

struct Page {
  int number = 0;
  std::vector<std::string> words;
  Buffer image;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, words, image);
  }
};

// Reads less than it writes.
struct Lopsided {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value, value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
  }
};

template <class T>
AnyBatch batch_of(std::vector<T> records) {
  AnyBatch batch;
  for (std::size_t i = 0; i < records.size(); ++i) batch.ids.push_back({i, ""});
  batch.records = std::make_shared<std::vector<T>>(std::move(records));
  return batch;
}

template <class T>
std::vector<T>& records_of(AnyBatch& batch) {
  return *static_cast<std::vector<T>*>(batch.records.get());
}

Buffer filled(std::size_t size, int value) {
  Buffer buffer(size);
  std::fill_n(buffer.mutable_data(), size, static_cast<std::byte>(value));
  return buffer;
}

TEST(Codec, RoundTripsSmallAndLargeBuffersThroughTheWire) {
  const auto& type = record_type<Page>();
  auto encoded = type.encode(batch_of<Page>({{1, {"a", ""}, filled(10, 1)},
                                             {2, {}, filled(attach_threshold, 2)},
                                             {3, {std::string(1000, 'x')}, {}}}));
  EXPECT_EQ(encoded.record_buffers(0).size(), 0u);
  EXPECT_EQ(encoded.record_buffers(1).size(), 1u);
  std::string packed;
  encoded.pack(packed);
  EXPECT_LT(packed.size(), attach_threshold);
  auto arrived = EncodedBatch::unpack(packed, std::move(encoded).take_buffers());
  auto decoded = type.decode(arrived);
  ASSERT_EQ(decoded.size(), 3u);
  auto& pages = records_of<Page>(decoded);
  EXPECT_EQ(pages[0].words, (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(pages[0].image, filled(10, 1));
  EXPECT_EQ(pages[1].image, filled(attach_threshold, 2));
  EXPECT_EQ(pages[2].words[0].size(), 1000u);
  EXPECT_EQ(decoded.ids[2].origin, 2u);
}

TEST(Codec, LargeBuffersAreSharedNotCopied) {
  const auto& type = record_type<Page>();
  const Buffer image = filled(1 << 20, 7);
  auto decoded = type.decode(type.encode(batch_of<Page>({{1, {}, image}})));
  EXPECT_EQ(records_of<Page>(decoded)[0].image.data(), image.data());
}

TEST(Codec, RecordWithLeftoverBytesIsNamed) {
  const auto& type = record_type<Lopsided>();
  const auto encoded = type.encode(batch_of<Lopsided>({{5}, {6}}));
  try {
    type.decode(encoded);
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 0u);
    EXPECT_EQ(error.code(), ExitCode::decode);
    EXPECT_NE(std::string(error.what()).find("left over"), std::string::npos);
  }
}

TEST(Codec, EmptyVectorsOfNumbersRoundTrip) {
  using Numbers = std::vector<double>;
  const auto& type = record_type<Numbers>();
  auto decoded = type.decode(type.encode(batch_of<Numbers>({{}, {0.5}, {}})));
  EXPECT_EQ(records_of<Numbers>(decoded), (std::vector<Numbers>{{}, {0.5}, {}}));
}

TEST(Codec, TruncatedPackThrowsAtEveryLength) {
  auto encoded = record_type<Page>().encode(
      batch_of<Page>({{1, {"word"}, filled(10, 1)}, {2, {"other"}, filled(20, 2)}}));
  std::string packed;
  encoded.pack(packed);
  for (std::size_t length = 0; length < packed.size(); ++length) {
    EXPECT_THROW(EncodedBatch::unpack(std::string_view(packed).substr(0, length), {}), DecodeError)
        << length;
  }
}

TEST(Codec, SliceAndAppendKeepRecordsWhole) {
  std::vector<Page> pages;
  for (int i = 0; i < 10; ++i) {
    pages.push_back({i, {std::to_string(i)}, filled(i % 2 == 0 ? 5000 : 50, i)});
  }
  const auto& type = record_type<Page>();
  const auto whole = type.encode(batch_of(pages));
  EncodedBatch joined = whole.slice(0, 3);
  joined.append(whole.slice(3, 5));
  joined.append(whole.slice(8, 2));
  EXPECT_EQ(joined.stored_bytes(), whole.stored_bytes());
  auto decoded = type.decode(joined);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(records_of<Page>(decoded)[i].number, static_cast<int>(i));
    EXPECT_EQ(records_of<Page>(decoded)[i].image, pages[i].image);
    EXPECT_EQ(decoded.ids[i].origin, i);
  }
}

TEST(Codec, SizesRoundTripAtEveryWidth) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t size : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
      std::string bytes;
      Encoder(bytes).write_size(size);
      EXPECT_EQ(Decoder(bytes).read_size(), size);
    }
  }
}

TEST(Buffer, WritingToASharedBufferLeavesTheOtherHolderAlone) {
  Buffer first = filled(100, 1);
  Buffer second = first;
  EXPECT_EQ(first.data(), second.data());
  second.mutable_data()[0] = std::byte{9};
  EXPECT_EQ(first, filled(100, 1));
  EXPECT_NE(first.data(), second.data());
}

TEST(Buffer, AdoptTakesTheBytesOver) {
  std::string bytes(5000, 'b');
  const auto* data = bytes.data();
  const Buffer buffer = Buffer::adopt(std::move(bytes));
  EXPECT_EQ(reinterpret_cast<const char*>(buffer.data()), data);
}

TEST(Record, RoundTripsEveryKindOfField) {
  Record record("k");
  record.set("bytes", Buffer::copy_of("abc"));
  record.set("text", std::string("text"));
  record.set("count", std::int64_t{-5});
  record.set("share", 0.25);
  record.set("vector", Tensor{DType::f32, {2, 3}, filled(24, 1)});
  auto decoded =
      record_type<Record>().decode(record_type<Record>().encode(batch_of<Record>({record})));
  EXPECT_EQ(records_of<Record>(decoded)[0], record);
}

TEST(Record, MissingAndMistypedFieldsNameRecordAndField) {
  Record record("page-7");
  record.set("text", std::string("x"));
  try {
    record.get<double>("text");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "field 'text' of record 'page-7' holds string, not double");
  }
  try {
    record.get<double>("share");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "record 'page-7' has no field 'share' (it has: text)");
  }
}

TEST(RecordIds, OnlyChildrenKeepTheirIdAndSiblingsAreOrdered) {
  std::vector<Descent> descents;
  const std::vector<RecordId> parents{{4, ""}, {5, ""}, {6, ""}};
  const auto ids = child_ids(parents, {2, 0, 2}, descents);
  EXPECT_EQ(ids[1], (RecordId{4, ""}));
  EXPECT_EQ(ids[0].origin, 6u);
  EXPECT_LT(ids[0], ids[2]);
  ASSERT_EQ(descents.size(), 2u);
  EXPECT_EQ(descents[0].origin, 5u);
  EXPECT_EQ(descents[0].change, -1);
  EXPECT_EQ(descents[1].origin, 6u);
  EXPECT_EQ(descents[1].change, 1);
}

}  // namespace
}  // namespace sluice
