#include "gpu/cuda/device.hpp"
#include "gpu/cuda/stream.hpp"
#include "gpu/nccl/library.hpp"
#include "gpu/nccl_link.hpp"

#include <sluice/error.hpp>

#include <cstring>
#include <utility>

namespace sluice::gpu::nccl {
namespace {

// A communicator of two, of which one only sends, on a stream of its own.
class NcclLink final : public Link {
 public:
  NcclLink(cuda::CudaDevice& device, cudaStream_t worker, const std::string& id, End end)
      : device_(device), worker_(worker) {
    ncclUniqueId unique{};
    if (id.size() != sizeof unique.internal) throw DecodeError("a NCCL link's id is malformed");
    std::memcpy(unique.internal, id.data(), id.size());
    const cuda::OnDevice on(device.info().index);
    stream_ = cuda::Stream();
    done_ = cuda::Event();
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    check(library()->comm_init_rank_config(&comm_, 2, unique, end == End::sends ? 0 : 1, &config),
          "ncclCommInitRankConfig");
  }
  // Not destroyed in peace, for that the other end would have to take part.
  ~NcclLink() override { abort(); }
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;

  bool ready() override {
    if (comm_ == nullptr) return false;
    ncclResult_t state = ncclSuccess;
    check(library()->comm_get_async_error(comm_, &state), "ncclCommGetAsyncError");
    check(state, "NCCL");
    return state == ncclSuccess;
  }

  void send(std::vector<Buffer> buffers) override {
    launch(std::move(buffers), [this](const Buffer& buffer) {
      check(library()->send(buffer.data(), buffer.size(), ncclUint8, 1, comm_, stream_.get()),
            "ncclSend");
    });
  }

  Buffer allocate(std::size_t size) override {
    return device_.allocate(size, stream_.get(), worker_);
  }

  void receive(std::vector<Buffer> buffers) override {
    launch(std::move(buffers), [this](const Buffer& buffer) {
      auto* bytes = const_cast<std::byte*>(buffer.data());
      check(library()->receive(bytes, buffer.size(), ncclUint8, 0, comm_, stream_.get()),
            "ncclRecv");
    });
  }

  // The call may be under way itself; what it puts into the stream comes when it is not any more.
  bool idle() override {
    if (!ready()) return false;
    const cuda::OnDevice on(device_.info().index);
    if (std::exchange(begun_, false)) done_.record(stream_.get());
    const auto state = cudaEventQuery(done_.get());
    if (state == cudaErrorNotReady) return false;
    cuda::check(state, "cudaEventQuery");
    held_.clear();
    return true;
  }

  void abort() override {
    if (comm_ != nullptr) static_cast<void>(library()->comm_abort(std::exchange(comm_, nullptr)));
    static_cast<void>(cudaStreamSynchronize(stream_.get()));
    held_.clear();
  }

 private:
  // All of them as one.
  template <class Call>
  void launch(std::vector<Buffer> buffers, Call call) {
    const cuda::OnDevice on(device_.info().index);
    held_ = std::move(buffers);
    check(library()->group_start(), "ncclGroupStart");
    for (const auto& buffer : held_) call(buffer);
    check(library()->group_end(), "ncclGroupEnd");
    begun_ = true;
  }

  cuda::CudaDevice& device_;
  cudaStream_t worker_;
  cuda::Stream stream_;
  cuda::Event done_;
  ncclComm_t comm_ = nullptr;
  std::vector<Buffer> held_;
  bool begun_ = false;
};

}  // namespace

bool is_here() { return library() != nullptr; }

std::string new_id() {
  ncclUniqueId id{};
  check(library()->get_unique_id(&id), "ncclGetUniqueId");
  return {id.internal, sizeof id.internal};
}

std::unique_ptr<Link> open(Device& device, void* stream, const std::string& id, Link::End end) {
  return std::make_unique<NcclLink>(dynamic_cast<cuda::CudaDevice&>(device),
                                    static_cast<cudaStream_t>(stream), id, end);
}

}  // namespace sluice::gpu::nccl
