#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

// What the CPU and the GPU compute alike: each function is compiled for both.
#ifdef __CUDACC__
#define EMBED_BOTH __host__ __device__ inline
#else
#define EMBED_BOTH inline
#endif

namespace embed {

// An image becomes side × side pixels, those become patches × patches patches, each of which is a
// row of `inputs` numbers; two layers make `outputs` numbers of each row, and their mean, scaled to
// length one, is the embedding.
constexpr std::size_t side = 128;
constexpr std::size_t patch = 16;
constexpr std::size_t patches = side / patch;
constexpr std::size_t rows = patches * patches;
constexpr std::size_t inputs = patch * patch * 3;
constexpr std::size_t hidden = 1024;
constexpr std::size_t outputs = 256;

struct Image {
  const unsigned char* pixels = nullptr;  // height × width × 3
  std::size_t height = 0;
  std::size_t width = 0;
};

/// The place of the pixel at (x, y) of the scaled image in its rows.
EMBED_BOTH std::size_t place(std::size_t y, std::size_t x, std::size_t channel) {
  const auto row = y / patch * patches + x / patch;
  return row * inputs + ((y % patch) * patch + x % patch) * 3 + channel;
}

EMBED_BOTH float mix(float a, float b, float part) { return a + (b - a) * part; }

/// A pixel of the scaled image, interpolated between four, from -1 to 1.
EMBED_BOTH float sample(const Image& image, std::size_t y, std::size_t x, std::size_t channel) {
  const auto along = [](std::size_t i, std::size_t size) {
    const float at = (static_cast<float>(i) + 0.5F) * static_cast<float>(size) / side - 0.5F;
    return fminf(fmaxf(at, 0.0F), static_cast<float>(size - 1));
  };
  const float fy = along(y, image.height);
  const float fx = along(x, image.width);
  const auto y0 = static_cast<std::size_t>(fy);
  const auto x0 = static_cast<std::size_t>(fx);
  const auto y1 = y0 + 1 < image.height ? y0 + 1 : y0;
  const auto x1 = x0 + 1 < image.width ? x0 + 1 : x0;
  const auto at = [&](std::size_t row, std::size_t column) {
    return static_cast<float>(image.pixels[(row * image.width + column) * 3 + channel]);
  };
  const float px = fx - static_cast<float>(x0);
  const float top = mix(at(y0, x0), at(y0, x1), px);
  const float bottom = mix(at(y1, x0), at(y1, x1), px);
  return mix(top, bottom, fy - static_cast<float>(y0)) / 127.5F - 1.0F;
}

EMBED_BOTH float gelu(float x) {
  return 0.5F * x * (1.0F + tanhf(0.7978845608F * (x + 0.044715F * x * x * x)));
}

/// Weights are made up: number `i` of a layer, uniform between -1 and 1 over the root of `fan_in`.
EMBED_BOTH float weight(std::uint64_t seed, std::size_t i, std::size_t fan_in) {
  std::uint64_t z = seed + (static_cast<std::uint64_t>(i) + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  z ^= z >> 31U;
  const float unit = static_cast<float>(z >> 40U) / static_cast<float>(1U << 23U) - 1.0F;
  return unit * sqrtf(3.0F / static_cast<float>(fan_in));
}

}  // namespace embed
