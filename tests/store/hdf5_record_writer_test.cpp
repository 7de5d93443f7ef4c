#include "store/hdf5_record_writer.hpp"

#include "store/hdf5_reading.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace sluice::store {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::set<std::string>;

template <class T>
Tensor tensor(DType dtype, std::vector<std::uint64_t> shape, const std::vector<T>& values) {
  Tensor result{dtype, std::move(shape), Buffer(values.size() * sizeof(T))};
  std::memcpy(result.data.mutable_data(), values.data(), result.data.size());
  return result;
}

Record page(std::string key, std::string text, std::int64_t words, double confidence) {
  Record record(std::move(key));
  record.set("text", std::move(text));
  record.set("words", words);
  record.set("confidence", confidence);
  return record;
}

// The error of appending the batch.
std::string refusal(Hdf5RecordWriter& writer, const std::vector<Record>& batch) {
  try {
    writer.append(batch);
  } catch (const StageError& error) {
    return error.what();
  }
  return "appended";
}

TEST(Hdf5RecordWriter, WritesTextAndNumbersAsOneRowARecord) {
  const ScratchFolder folder;
  const auto path = folder / "pages.h5";
  Hdf5RecordWriter writer(path);
  writer.append(std::vector{page("p1", "Über uns\nnaïve", 3, 91.5), page("p2", "", 0, 0.0)});
  writer.append(std::vector{page("p3", "end", -1, 2.25)});
  writer.commit();
  EXPECT_THAT(read_strings(path, "key"), ElementsAre("p1", "p2", "p3"));
  EXPECT_THAT(read_strings(path, "text"), ElementsAre("Über uns\nnaïve", "", "end"));
  EXPECT_THAT(read_numbers<std::int64_t>(path, "words", H5T_NATIVE_INT64), ElementsAre(3, 0, -1));
  EXPECT_THAT(read_numbers<double>(path, "confidence", H5T_NATIVE_DOUBLE),
              ElementsAre(91.5, 0.0, 2.25));
}

TEST(Hdf5RecordWriter, WritesBytesEndToEndWithOneMoreOffsetThanRecords) {
  const ScratchFolder folder;
  const auto path = folder / "images.h5";
  Hdf5RecordWriter writer(path);
  for (const std::string bytes : {"abc", "", "de"}) {
    Record record("k");
    record.set("image", Buffer::copy_of(bytes));
    writer.append(std::vector{record});
  }
  writer.commit();
  const auto bytes = read_numbers<char>(path, "image/bytes", H5T_NATIVE_CHAR);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "abcde");
  EXPECT_THAT(read_numbers<std::uint64_t>(path, "image/offsets", H5T_NATIVE_UINT64),
              ElementsAre(0, 3, 3, 5));
}

TEST(Hdf5RecordWriter, WritesTensorsAsOneArrayWithARowARecord) {
  const ScratchFolder folder;
  const auto path = folder / "vectors.h5";
  Hdf5RecordWriter writer(path);
  for (const float start : {0.0F, 10.0F}) {
    Record record("k");
    record.set("vector", tensor<float>(DType::f32, {2, 2}, {start, start + 1, start + 2, 7}));
    record.set("half", tensor<std::uint16_t>(DType::f16, {3}, {0x3C00, 0xC000, 0x3555}));
    record.set("scalar", tensor<std::uint8_t>(DType::u8, {}, {9}));
    writer.append(std::vector{record});
  }
  writer.commit();
  EXPECT_THAT(DatasetReader(path, "vector").shape(), ElementsAre(2, 2, 2));
  EXPECT_THAT(read_numbers<float>(path, "vector", H5T_NATIVE_FLOAT),
              ElementsAre(0, 1, 2, 7, 10, 11, 12, 7));
  EXPECT_EQ(DatasetReader(path, "half").type_class(), H5T_FLOAT);
  const auto halves = read_numbers<float>(path, "half", H5T_NATIVE_FLOAT);
  EXPECT_EQ(halves[0], 1.0F);
  EXPECT_EQ(halves[1], -2.0F);
  EXPECT_NEAR(halves[2], 1.0F / 3, 1e-4F);
  EXPECT_THAT(DatasetReader(path, "scalar").shape(), ElementsAre(2));
}

TEST(Hdf5RecordWriter, WritesOnlyTheChosenFields) {
  const ScratchFolder folder;
  const auto path = folder / "pages.h5";
  Hdf5RecordWriter writer(path, {"words"});
  auto second = page("p2", "b", 2, 0.0);
  second.set("extra", 1.0);
  writer.append(std::vector{page("p1", "a", 1, 0.0), second});
  writer.commit();
  EXPECT_THAT(read_numbers<std::int64_t>(path, "words", H5T_NATIVE_INT64), ElementsAre(1, 2));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  EXPECT_EQ(H5Lexists(file, "text", H5P_DEFAULT), 0);
  H5Fclose(file);
}

TEST(Hdf5RecordWriter, WithoutRecordsTheFileHasAnEmptyKeyDataset) {
  const ScratchFolder folder;
  Hdf5RecordWriter writer(folder / "none.h5");
  writer.commit();
  EXPECT_THAT(read_strings(folder / "none.h5", "key"), ElementsAre());
}

TEST(Hdf5RecordWriter, FileAppearsOnlyAtCommitAndAFailedRunLeavesNothing) {
  const ScratchFolder folder;
  {
    Hdf5RecordWriter writer(folder / "pages.h5");
    writer.append(std::vector{page("p1", "a", 1, 0.0)});
    EXPECT_EQ(folder.files(), Names{"pages.h5.partial"});
  }
  EXPECT_EQ(folder.files(), Names{});
}

TEST(Hdf5RecordWriter, ReplacesWhatAKilledWriterLeftAndTheOldFile) {
  const ScratchFolder folder;
  write_text(folder / "pages.h5.partial", "torn");
  write_text(folder / "pages.h5", "old");
  Hdf5RecordWriter writer(folder / "pages.h5");
  writer.append(std::vector{page("p1", "a", 1, 0.0)});
  EXPECT_EQ(read_text(folder / "pages.h5"), "old");
  writer.commit();
  EXPECT_EQ(folder.files(), Names{"pages.h5"});
  EXPECT_THAT(read_strings(folder / "pages.h5", "key"), ElementsAre("p1"));
}

TEST(Hdf5RecordWriter, FolderThatCannotBeWrittenIsNamed) {
  try {
    Hdf5RecordWriter writer("/proc/pages.h5");  // closed to root as well
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("/proc/pages.h5"), HasSubstr("HDF5 says: ")));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

TEST(Hdf5RecordWriter, RecordThatDoesNotFitIsRefusedWithItsFieldAndTheWholeBatch) {
  const ScratchFolder folder;
  Hdf5RecordWriter writer(folder / "pages.h5");
  const auto good = page("good", "a", 1, 0.5);
  writer.append(std::vector{good});

  auto lacking = good;
  lacking.key = "lacking";
  lacking.remove("words");
  EXPECT_THAT(refusal(writer, {good, lacking}),
              AllOf(HasSubstr("record 'lacking'"), HasSubstr("no field 'words'"),
                    HasSubstr("text, confidence"), HasSubstr("pages.h5'")));
  auto mistyped = good;
  mistyped.key = "mistyped";
  mistyped.set("words", 1.0);
  EXPECT_THAT(
      refusal(writer, {mistyped}),
      AllOf(HasSubstr("record 'mistyped'"), HasSubstr("field 'words' holds double, not int64")));
  auto more = good;
  more.set("language", std::string("eng"));
  EXPECT_THAT(refusal(writer, {more}), HasSubstr("first record had no field 'language'"));
  auto nul = good;
  nul.set("text", std::string("a\0b", 3));
  EXPECT_THAT(refusal(writer, {nul}), HasSubstr("field 'text' holds a NUL"));
  EXPECT_THAT(refusal(writer, {page(std::string("k\0", 2), "a", 1, 0.5)}),
              HasSubstr("its key holds a NUL"));

  writer.append(std::vector{good});
  writer.commit();
  EXPECT_THAT(read_strings(folder / "pages.h5", "key"), ElementsAre("good", "good"));
}

TEST(Hdf5RecordWriter, TensorOfAnotherKindIsRefused) {
  const ScratchFolder folder;
  const auto with = [](Tensor value) {
    Record record("k");
    record.set("vector", std::move(value));
    return std::vector{record};
  };
  Hdf5RecordWriter writer(folder / "vectors.h5");
  EXPECT_THAT(refusal(writer, with({DType::f32, {0}, {}})), HasSubstr("empty tensor"));
  EXPECT_THAT(refusal(writer, with({DType::f32, {3}, Buffer(8)})),
              HasSubstr("f32 of shape (3) with 8 bytes of data instead of 12"));
  EXPECT_EQ(refusal(writer, with({DType::f32, {2}, Buffer(8)})), "appended");
  EXPECT_THAT(refusal(writer, with({DType::f64, {1}, Buffer(8)})),
              HasSubstr("a tensor f64 of shape (1), not f32 of shape (2)"));
  EXPECT_THAT(refusal(writer, with({DType::f32, {1, 2}, Buffer(8)})), HasSubstr("shape (1, 2)"));
}

TEST(Hdf5RecordWriter, FieldNameThatNoDatasetCanHaveIsRefused) {
  const ScratchFolder folder;
  Hdf5RecordWriter writer(folder / "pages.h5");
  for (const std::string name : {"key", "a/b", ".", ""}) {
    Record record("k");
    record.set(name, 1.0);
    EXPECT_THAT(refusal(writer, {record}), HasSubstr("field named '" + name + "'"));
  }
}

}  // namespace
}  // namespace sluice::store
