#include "job/plugin.hpp"
#include "job/stage_driver.hpp"
#include "job/thrown.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace sluice::job {
namespace {

using store::read_text;
using testing::HasSubstr;

const StageKind& tesseract_kind() {
  static const StageRegistry registry = [] {
    StageRegistry loaded;
    load_plugin(TESSERACT_PLUGIN, "the test", loaded);
    return loaded;
  }();
  return *registry.find("tesseract.ocr");
}

Record page(int number) {
  const auto name = "policy-00" + std::to_string(number) + ".png";
  return record_with(name, "bytes",
                     Buffer::adopt(read_text(std::filesystem::path(PAGES_FOLDER) / name)));
}

StageDriver ready(const SettingTexts& settings = {}) {
  StageDriver ocr(tesseract_kind(), settings);
  ocr.setup(".");
  return ocr;
}

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(TesseractOcr, ReadsTheTextOfAPage) {
  auto ocr = ready();
  const auto read = ocr.process({page(1)}).at(0);
  EXPECT_EQ(read.key, "policy-001.png");
  EXPECT_THAT(read.get<std::string>("text"), HasSubstr("Debian Policy Manual"));
  EXPECT_GT(read.get<std::int64_t>("words"), 5);
  EXPECT_GT(read.get<double>("confidence"), 80.0);
  EXPECT_LE(read.get<double>("confidence"), 100.0);
  EXPECT_FALSE(read.has("bytes"));
}

TEST(TesseractOcr, CountsTheWordsThatItFound) {
  auto ocr = ready();
  const auto read = ocr.process({page(5)}).at(0);
  const auto& text = read.get<std::string>("text");
  std::int64_t words = 0;
  bool inside = false;
  for (const char character : text) {
    const bool blank = character == ' ' || character == '\n' || character == '\f';
    words += !blank && !inside ? 1 : 0;
    inside = !blank;
  }
  EXPECT_EQ(read.get<std::int64_t>("words"), words);
}

TEST(TesseractOcr, TheTextOfAPageDoesNotDependOnThePagesBefore) {
  auto alone = ready();
  auto after = ready();
  after.process({page(3), page(4)});
  EXPECT_EQ(after.process({page(5)}), alone.process({page(5)}));
}

TEST(TesseractOcr, WorkersInThreadsOfOneProcessReadAlike) {
  const auto expected = ready().process({page(2), page(6)});
  std::vector<std::vector<Record>> results(3);
  std::vector<std::thread> workers;
  for (auto& result : results) {
    workers.emplace_back([&result] { result = ready().process({page(2), page(6)}); });
  }
  for (auto& worker : workers) worker.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

// Tesseract's loops would have OpenMP start three more threads.
TEST(TesseractOcr, KeepsToOneThreadAWorker) {
  const auto before = threads_of_this_process();
  std::size_t most = 0;
  std::atomic<bool> done = false;
  std::thread worker([&] {
    ready().process({page(5)});
    most = threads_of_this_process();
    done = true;
  });
  worker.join();
  EXPECT_TRUE(done);
  EXPECT_LE(most, before + 1);
}

TEST(TesseractOcr, KeepsTheImageIfAskedTo) {
  auto ocr = ready({{"keep_image", "true"}, {"field", "scan"}});
  auto scan = page(1);
  const auto image = scan.get<Buffer>("bytes");
  scan.set("scan", scan.take("bytes"));
  EXPECT_EQ(ocr.process({scan}).at(0).get<Buffer>("scan"), image);
}

TEST(TesseractOcr, APageWithoutWordsIsEmptyTextAndNoConfidence) {
  auto ocr = ready();
  const auto white = "P5 200 200 255\n" + std::string(200 * 200, '\xff');
  const auto read = ocr.process({record_with("white", "bytes", Buffer::copy_of(white))}).at(0);
  EXPECT_EQ(read.get<std::string>("text"), "");
  EXPECT_EQ(read.get<std::int64_t>("words"), 0);
  EXPECT_EQ(read.get<double>("confidence"), 0.0);
}

TEST(TesseractOcr, AnImageThatCannotBeReadNamesTheRecordAndItsPlaceInTheBatch) {
  auto ocr = ready();
  auto torn = page(1);
  torn.key = "torn.png";
  torn.set("bytes", Buffer::copy_of(page(1).get<Buffer>("bytes").view().substr(0, 500)));
  for (const auto& bad : {torn, record_with("torn.png", "bytes", Buffer::copy_of("no image")),
                          record_with("torn.png", "bytes", Buffer())}) {
    try {
      ocr.process({page(1), bad});
      FAIL();
    } catch (const RecordError& error) {
      EXPECT_EQ(error.index, 1u);
      EXPECT_THAT(error.what(), HasSubstr("record 'torn.png'"));
      EXPECT_THAT(error.what(), HasSubstr("bytes that are no image"));
    }
  }
}

TEST(TesseractOcr, AMissingFieldNamesTheRecord) {
  auto ocr = ready();
  EXPECT_THAT(thrown<StageError>([&] { ocr.process({Record("p1")}); }),
              HasSubstr("record 'p1' has no field 'bytes'"));
}

TEST(TesseractOcr, AMissingLanguageSaysWhatToInstall) {
  EXPECT_THAT(thrown<UsageError>([] {
                ready({{"language", "tlh"}});
              }),
              HasSubstr("apt install tesseract-ocr-tlh"));
  EXPECT_THAT(thrown<UsageError>([] {
                ready({{"data_path", "/nowhere"}});
              }),
              HasSubstr("in '/nowhere'"));
}

}  // namespace
}  // namespace sluice::job
