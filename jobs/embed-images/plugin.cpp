#include "network.hpp"

#include <sluice/gpu.hpp>
#include <sluice/registry.hpp>
#include <sluice/remark.hpp>

#include <cstring>
#include <functional>
#include <string>

namespace embed {
namespace {

using sluice::Batch;
using sluice::Buffer;
using sluice::DType;
using sluice::Emitter;
using sluice::Record;
using sluice::Tensor;

// Pictures of nothing: gradients and noise that follow from the record's key.
class MakeImages final : public sluice::MapStage<Record, Record> {
 public:
  MakeImages(std::int64_t height, std::int64_t width)
      : height_(static_cast<std::size_t>(height)), width_(static_cast<std::size_t>(width)) {}

  Record map(Record record) override {
    Tensor image{DType::u8, {height_, width_, 3}, Buffer(height_ * width_ * 3)};
    auto* pixels = reinterpret_cast<unsigned char*>(image.data.mutable_data());
    std::uint64_t state = std::hash<std::string>()(record.key) | 1U;
    const auto slope = state % 7 + 1;
    for (std::size_t i = 0; i < image.data.size(); ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      pixels[i] = static_cast<unsigned char>((i * slope / width_ + (state >> 60U)) & 0xffU);
    }
    record.set("image", std::move(image));
    return record;
  }

 private:
  std::size_t height_;
  std::size_t width_;
};

class EmbedImages final : public sluice::RecordStage {
 public:
  EmbedImages(std::int64_t seed, bool keep)
      : seed_(static_cast<std::uint64_t>(seed)), keep_(keep) {}

  void setup(const sluice::WorkerContext& context) override {
    gpu_ = false;
#ifdef EMBED_WITH_CUDA
    if (sluice::gpu::has_device() && sluice::gpu::stream() != nullptr) {
      network_ = make_gpu_network(seed_, sluice::gpu::stream());
      gpu_ = true;
      return;
    }
#endif
    sluice::remark("images.embed: stage '" + context.stage + "' has no GPU and uses the CPU");
    network_ = make_cpu_network(seed_);
  }

  void process(Batch<Record>& batch, Emitter<Record>& out) override {
    std::vector<Image> images;
    std::vector<Tensor> held;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      held.push_back(batch[i].get<Tensor>("image"));
      held.back().data = where_it_belongs(held.back().data);
      images.push_back(image_of(held.back(), i));
    }
    const auto embeddings = network_->embed(images);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Tensor embedding{DType::f32, {outputs}, Buffer(outputs * sizeof(float))};
      std::memcpy(embedding.data.mutable_data(), embeddings.data() + i * outputs,
                  outputs * sizeof(float));
      Record record = std::move(batch[i]);
      if (!keep_) record.remove("image");
      record.set("embedding", std::move(embedding));
      out.emit(i, std::move(record));
    }
  }

  void teardown() override { network_.reset(); }

 private:
  // Images below 4 KiB do not travel to the device by themselves, and an emulated device is none.
  Buffer where_it_belongs(const Buffer& pixels) const {
    if (!gpu_) return pixels.to_host();
#ifdef EMBED_WITH_CUDA
    if (pixels.memory() != sluice::Memory::device) return to_device(pixels, sluice::gpu::stream());
#endif
    return pixels;
  }

  static Image image_of(const Tensor& tensor, std::size_t index) {
    const auto& shape = tensor.shape;
    if (tensor.dtype != DType::u8 || shape.size() != 3 || shape[2] != 3 || tensor.data.empty()) {
      throw sluice::RecordError(index, "its image must be a tensor of u8, height × width × 3",
                                sluice::ExitCode::stage);
    }
    return {reinterpret_cast<const unsigned char*>(tensor.data.data()), shape[0], shape[1]};
  }

  std::uint64_t seed_;
  bool keep_;
  bool gpu_ = false;
  std::unique_ptr<Network> network_;
};

}  // namespace
}  // namespace embed

SLUICE_PLUGIN(registry) {
  using sluice::Settings;
  using sluice::SettingType;
  sluice::StageKind make;
  make.name = "images.make";
  make.help = "Makes up an image from each record's key: the field image, a tensor of u8.";
  make.settings = {{"height", SettingType::integer, "256", "pixels"},
                   {"width", SettingType::integer, "384", "pixels"}};
  make.make = [](const Settings& settings) {
    const auto height = settings.integer("height");
    const auto width = settings.integer("width");
    if (height < 1 || height > 16384 || width < 1 || width > 16384) {
      throw sluice::UsageError("height and width must be between 1 and 16384");
    }
    return std::make_unique<embed::MakeImages>(height, width);
  };
  registry.add(std::move(make));

  sluice::StageKind kind;
  kind.name = "images.embed";
  kind.help =
      "Scales images and embeds them, by a network whose weights are made up: the field embedding, "
      "256 numbers. On a GPU if its worker has one.";
  kind.settings = {{"seed", SettingType::integer, "1", "of the weights"},
                   {"keep_image", SettingType::boolean, "false", "whether images stay"}};
  kind.make = [](const Settings& settings) {
    return std::make_unique<embed::EmbedImages>(settings.integer("seed"),
                                                settings.boolean("keep_image"));
  };
  registry.add(std::move(kind));
}
