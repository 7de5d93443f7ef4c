#include "kernels.hpp"
#include "network.hpp"

#include <sluice/gpu.hpp>
#include <sluice/stage.hpp>

#include <cublas_v2.h>

#include <string>

namespace embed {
namespace {

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw sluice::Error(sluice::ExitCode::stage,
                      std::string(call) + ": " + cudaGetErrorString(status));
}

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw sluice::Error(sluice::ExitCode::stage,
                      std::string(call) + ": " + cublasGetStatusString(status));
}

// Numbers on the device.
class Numbers {
 public:
  explicit Numbers(std::size_t count) : buffer_(sluice::gpu::allocate(count * sizeof(float))) {}
  float* data() { return reinterpret_cast<float*>(buffer_.mutable_data()); }
  const sluice::Buffer& buffer() const { return buffer_; }

 private:
  sluice::Buffer buffer_;
};

// Row-major out (count × to) = in (count × from) × layer (from × to): to cuBLAS, which goes by
// columns, all of them are transposed. In full single precision, as on the CPU.
class GpuNetwork final : public Network {
 public:
  GpuNetwork(std::uint64_t seed, cudaStream_t stream)
      : stream_(stream), first_(inputs * hidden), second_(hidden * outputs) {
    check(cublasCreate(&blas_), "cublasCreate");
    check(cublasSetStream(blas_, stream_), "cublasSetStream");
    check(cublasSetMathMode(blas_, CUBLAS_PEDANTIC_MATH), "cublasSetMathMode");
    check(launch_weights(seed, inputs, hidden, first_.data(), stream_), "weights");
    check(launch_weights(seed + 1, hidden, outputs, second_.data(), stream_), "weights");
  }
  ~GpuNetwork() override {
    if (blas_ != nullptr) cublasDestroy(blas_);
  }
  GpuNetwork(const GpuNetwork&) = delete;
  GpuNetwork& operator=(const GpuNetwork&) = delete;

  std::vector<float> embed(const std::vector<Image>& images) override {
    const auto count = images.size();
    auto list = sluice::gpu::allocate(count * sizeof(Image));
    check(cudaMemcpyAsync(list.mutable_data(), images.data(), list.size(), cudaMemcpyHostToDevice,
                          stream_),
          "cudaMemcpyAsync");
    Numbers pixels(count * rows * inputs);
    check(launch_preprocess(reinterpret_cast<const Image*>(list.data()), count, pixels.data(),
                            stream_),
          "preprocess");
    Numbers between(count * rows * hidden);
    multiply(pixels, first_, between, count * rows, inputs, hidden);
    check(launch_gelu(between.data(), count * rows * hidden, stream_), "gelu");
    Numbers last(count * rows * outputs);
    multiply(between, second_, last, count * rows, hidden, outputs);
    Numbers embeddings(count * outputs);
    check(launch_pool(last.data(), count, embeddings.data(), stream_), "pool");
    const auto here = embeddings.buffer().to_host();
    const auto* numbers = reinterpret_cast<const float*>(here.data());
    return {numbers, numbers + count * outputs};
  }

 private:
  void multiply(Numbers& in, Numbers& layer, Numbers& out, std::size_t count, std::size_t from,
                std::size_t to) {
    const float one = 1;
    const float zero = 0;
    check(
        cublasSgemm(blas_, CUBLAS_OP_N, CUBLAS_OP_N, static_cast<int>(to), static_cast<int>(count),
                    static_cast<int>(from), &one, layer.data(), static_cast<int>(to), in.data(),
                    static_cast<int>(from), &zero, out.data(), static_cast<int>(to)),
        "cublasSgemm");
  }

  cudaStream_t stream_;
  cublasHandle_t blas_ = nullptr;
  Numbers first_;
  Numbers second_;
};

}  // namespace

std::unique_ptr<Network> make_gpu_network(std::uint64_t seed, void* stream) {
  return std::make_unique<GpuNetwork>(seed, static_cast<cudaStream_t>(stream));
}

sluice::Buffer to_device(const sluice::Buffer& pixels, void* stream) {
  auto there = sluice::gpu::allocate(pixels.size());
  check(cudaMemcpyAsync(there.mutable_data(), pixels.data(), pixels.size(), cudaMemcpyHostToDevice,
                        static_cast<cudaStream_t>(stream)),
        "cudaMemcpyAsync");
  return there;
}

}  // namespace embed
