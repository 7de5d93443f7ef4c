// The stage kind tesseract.ocr: reads the text in an image.
#include <sluice/registry.hpp>

#include <allheaders.h>
#include <fmt/format.h>
#include <omp.h>
#include <tesseract/baseapi.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace {

using sluice::Buffer;
using sluice::Record;
using sluice::Settings;
using sluice::SettingType;
using sluice::WorkerContext;

struct DestroyPix {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using Image = std::unique_ptr<Pix, DestroyPix>;

struct Words {
  std::int64_t count = 0;
  double confidence = 0.0;  ///< their mean, 0 to 100; 0 without words
};

// Both libraries report to standard error what sluice says with the record's name; these settings
// are of the process, not of one engine.
void silence(tesseract::TessBaseAPI& engine) {
  static std::once_flag once;
  std::call_once(once, [&] {
    engine.SetVariable("debug_file", "/dev/null");
    setMsgSeverity(L_SEVERITY_NONE);
  });
}

class TesseractOcr final : public sluice::MapStage<Record, Record> {
 public:
  explicit TesseractOcr(const Settings& settings)
      : language_(settings.string("language")),
        data_path_(settings.string("data_path")),
        field_(settings.string("field")),
        keep_image_(settings.boolean("keep_image")) {}

  void setup(const WorkerContext&) override {
    // One core a worker: Tesseract asks OpenMP for four threads however many are set or needed, and
    // heeds only this limit, which belongs to the calling thread.
    omp_set_max_active_levels(0);
    engine_ = std::make_unique<tesseract::TessBaseAPI>();
    silence(*engine_);
    // Only the LSTM engine: the older one learns, so a page's text would depend on those before it.
    const char* folder = data_path_.empty() ? nullptr : data_path_.c_str();
    if (engine_->Init(folder, language_.c_str(), tesseract::OEM_LSTM_ONLY) == 0) return;
    throw sluice::UsageError(fmt::format(
        "tesseract.ocr: there is no LSTM model for language '{}' {}; install it (Debian: apt "
        "install tesseract-ocr-{}) or set language or data_path",
        language_, folder == nullptr ? "where Tesseract looks" : "in '" + data_path_ + "'",
        language_));
  }

  Record map(Record record) override {
    const auto image = read_image(record);
    engine_->SetImage(image.get());
    const std::unique_ptr<char[]> text(engine_->GetUTF8Text());
    if (!text) {
      throw sluice::StageError(
          fmt::format("Tesseract could not recognise the image of record '{}'", record.key));
    }
    const auto words = count_words();
    engine_->Clear();
    if (!keep_image_) record.remove(field_);
    record.set("text", std::string(text.get()));
    record.set("words", words.count);
    record.set("confidence", words.confidence);
    return record;
  }

  void teardown() override { engine_.reset(); }

 private:
  Image read_image(const Record& record) const {
    const auto& bytes = record.get<Buffer>(field_);
    Image image(pixReadMem(reinterpret_cast<const l_uint8*>(bytes.data()), bytes.size()));
    if (image) return image;
    throw sluice::StageError(
        fmt::format("field '{}' of record '{}' holds {} bytes that are no image; it must be a "
                    "whole PNG, JPEG, TIFF, PNM, BMP, GIF or WebP file",
                    field_, record.key, bytes.size()));
  }

  Words count_words() {
    Words words;
    const std::unique_ptr<int[]> confidences(engine_->AllWordConfidences());  // ended by -1
    for (const int* next = confidences.get(); next != nullptr && *next >= 0; ++next) {
      ++words.count;
      words.confidence += *next;
    }
    if (words.count > 0) words.confidence /= static_cast<double>(words.count);
    return words;
  }

  std::string language_;
  std::string data_path_;
  std::string field_;
  bool keep_image_;
  std::unique_ptr<tesseract::TessBaseAPI> engine_;
};

}  // namespace

SLUICE_PLUGIN(registry) {
  sluice::StageKind kind;
  kind.name = "tesseract.ocr";
  kind.help =
      "Replaces an image by its text: the fields text, words (how many) and confidence (their "
      "mean, 0 to 100).";
  kind.settings = {
      {"language", SettingType::string, "eng", "a language that Tesseract has a model for"},
      {"field", SettingType::string, "bytes", "the field that holds the image"},
      {"data_path", SettingType::string, "", "the folder of the models; empty: Tesseract's own"},
      {"keep_image", SettingType::boolean, "false", "whether the image stays in the record"},
  };
  kind.make = [](const Settings& settings) { return std::make_unique<TesseractOcr>(settings); };
  registry.add(std::move(kind));
}
