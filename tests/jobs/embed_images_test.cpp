// The network of jobs/embed-images: on the CPU against plain sums in double precision, and on a
// GPU, where there is one, against the CPU.
#include "network.hpp"

#include "gpu/platform.hpp"

#include <sluice/gpu.hpp>

#include <gtest/gtest.h>

#include <cstdio>

namespace embed {
namespace {

constexpr float tolerance = 1e-4F;

struct Picture {
  std::size_t height;
  std::size_t width;
  sluice::Buffer pixels;

  Picture(std::size_t h, std::size_t w, unsigned seed) : height(h), width(w), pixels(h * w * 3) {
    auto* bytes = reinterpret_cast<unsigned char*>(pixels.mutable_data());
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      bytes[i] = static_cast<unsigned char>(i * (seed * 2 + 1) / 5 + seed * 40);
    }
  }
  Image image(const sluice::Buffer& where) const {
    return {reinterpret_cast<const unsigned char*>(where.data()), height, width};
  }
  Image image() const { return image(pixels); }
};

std::vector<double> plain(const Image& image, std::uint64_t seed) {
  std::vector<double> pixels(rows * inputs);
  for (std::size_t y = 0; y < side; ++y) {
    for (std::size_t x = 0; x < side; ++x) {
      for (std::size_t c = 0; c < 3; ++c) pixels[place(y, x, c)] = sample(image, y, x, c);
    }
  }
  std::vector<double> mean(outputs);
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<double> between(hidden);
    for (std::size_t h = 0; h < hidden; ++h) {
      for (std::size_t k = 0; k < inputs; ++k) {
        between[h] += pixels[row * inputs + k] * weight(seed, k * hidden + h, inputs);
      }
      between[h] =
          0.5 * between[h] *
          (1 + std::tanh(0.7978845608 * (between[h] + 0.044715 * std::pow(between[h], 3))));
    }
    for (std::size_t h = 0; h < hidden; ++h) {
      for (std::size_t o = 0; o < outputs; ++o) {
        mean[o] += between[h] * weight(seed + 1, h * outputs + o, hidden) / rows;
      }
    }
  }
  double square = 0;
  for (const double value : mean) square += value * value;
  for (double& value : mean) value /= std::sqrt(square);
  return mean;
}

TEST(EmbedImages, TheCpuAgreesWithPlainSums) {
  const Picture picture(50, 70, 9);
  const auto found = make_cpu_network(3)->embed({picture.image()});
  const auto expected = plain(picture.image(), 3);
  ASSERT_EQ(found.size(), outputs);
  for (std::size_t i = 0; i < outputs; ++i) EXPECT_NEAR(found[i], expected[i], tolerance);
}

TEST(EmbedImages, DifferentImagesAndSeedsGiveDifferentNumbers) {
  const Picture a(50, 70, 9);
  const Picture b(50, 70, 10);
  const auto network = make_cpu_network(3);
  EXPECT_EQ(network->embed({a.image()}), network->embed({a.image()}));
  EXPECT_NE(network->embed({a.image()}), network->embed({b.image()}));
  EXPECT_NE(network->embed({a.image()}), make_cpu_network(4)->embed({a.image()}));
}

#ifdef EMBED_WITH_CUDA
std::vector<Picture> pictures() {
  return {Picture(64, 64, 1), Picture(200, 300, 2), Picture(1, 1, 3), Picture(129, 40, 4)};
}

TEST(EmbedImagesOnGpu, AgreesWithTheCpu) {
  namespace gpu = sluice::gpu;
  if (gpu::device_count() == 0) {
    std::printf("no GPU: not run (%s)\n", gpu::why_no_device().c_str());
    GTEST_SKIP();
  }
  gpu::device(0).make_current();
  gpu::set_worker_device(&gpu::device(0));
  {
    std::vector<Image> here;
    std::vector<Image> there;
    std::vector<sluice::Buffer> held;
    const auto all = pictures();
    for (const auto& picture : all) {
      here.push_back(picture.image());
      held.push_back(to_device(picture.pixels, gpu::stream()));
      there.push_back(picture.image(held.back()));
    }
    const auto found = make_gpu_network(3, gpu::stream())->embed(there);
    const auto expected = make_cpu_network(3)->embed(here);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance);
  }
  gpu::set_worker_device(nullptr);
}
#endif

}  // namespace
}  // namespace embed
