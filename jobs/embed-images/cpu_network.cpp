#include "network.hpp"

#include <algorithm>

namespace embed {
namespace {

std::vector<float> weights(std::uint64_t seed, std::size_t from, std::size_t to) {
  std::vector<float> result(from * to);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = weight(seed, i, from);
  return result;
}

// out (count × to) = in (count × from) × layer (from × to), all row by row.
std::vector<float> product(const std::vector<float>& in, const std::vector<float>& layer,
                           std::size_t from, std::size_t to) {
  std::vector<float> out(in.size() / from * to);
  for (std::size_t row = 0; row < in.size() / from; ++row) {
    auto* sums = out.data() + row * to;
    for (std::size_t k = 0; k < from; ++k) {
      const float value = in[row * from + k];
      const auto* factors = layer.data() + k * to;
      for (std::size_t column = 0; column < to; ++column) sums[column] += value * factors[column];
    }
  }
  return out;
}

class CpuNetwork final : public Network {
 public:
  explicit CpuNetwork(std::uint64_t seed)
      : first_(weights(seed, inputs, hidden)), second_(weights(seed + 1, hidden, outputs)) {}

  std::vector<float> embed(const std::vector<Image>& images) override {
    std::vector<float> all;
    for (const auto& image : images) {
      const auto one = embed(image);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

 private:
  std::vector<float> embed(const Image& image) const {
    std::vector<float> pixels(rows * inputs);
    for (std::size_t y = 0; y < side; ++y) {
      for (std::size_t x = 0; x < side; ++x) {
        for (std::size_t c = 0; c < 3; ++c) pixels[place(y, x, c)] = sample(image, y, x, c);
      }
    }
    auto between = product(pixels, first_, inputs, hidden);
    std::transform(between.begin(), between.end(), between.begin(), gelu);
    return pooled(product(between, second_, hidden, outputs));
  }

  static std::vector<float> pooled(const std::vector<float>& all) {
    std::vector<float> mean(outputs);
    for (std::size_t i = 0; i < all.size(); ++i) mean[i % outputs] += all[i] / rows;
    float square = 0;
    for (const float value : mean) square += value * value;
    for (float& value : mean) value /= std::sqrt(std::max(square, 1e-20F));
    return mean;
  }

  std::vector<float> first_;
  std::vector<float> second_;
};

}  // namespace

std::unique_ptr<Network> make_cpu_network(std::uint64_t seed) {
  return std::make_unique<CpuNetwork>(seed);
}

}  // namespace embed
