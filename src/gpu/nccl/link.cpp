#include "gpu/nccl_link.hpp"

#include "gpu/cuda/stream.hpp"
#include "gpu/nccl/library.hpp"

#include <sluice/error.hpp>

#include <cstring>
#include <utility>

namespace sluice::gpu {
namespace nccl {
namespace {

// A communicator of two, of which one only sends, on a stream of its own.
class Link final : public NcclLink {
 public:
  Link(Device& device, const std::string& id, End end) : device_(device) {
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
  ~Link() override { abort(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool ready() override {
    if (comm_ == nullptr) return false;
    ncclResult_t state = ncclSuccess;
    check(library()->comm_get_async_error(comm_, &state), "ncclCommGetAsyncError");
    check(state, "NCCL");
    return state == ncclSuccess;
  }

  void send(const Buffer& buffer) override {
    const cuda::OnDevice on(device_.info().index);
    held_ = buffer;
    follow_worker();
    check(library()->send(buffer.data(), buffer.size(), ncclUint8, 1, comm_, stream_.get()),
          "ncclSend");
    begun_ = true;
  }

  Buffer receive(std::size_t size) override {
    const cuda::OnDevice on(device_.info().index);
    held_ = device_.allocate(size);
    follow_worker();
    check(library()->receive(held_.mutable_data(), size, ncclUint8, 0, comm_, stream_.get()),
          "ncclRecv");
    begun_ = true;
    return held_;
  }

  // The call may be under way itself; what it puts into the stream comes when it is not any more.
  bool idle() override {
    if (!ready()) return false;
    if (std::exchange(begun_, false)) done_.record(stream_.get());
    const auto state = cudaEventQuery(done_.get());
    if (state == cudaErrorNotReady) return false;
    cuda::check(state, "cudaEventQuery");
    held_ = Buffer();
    return true;
  }

  void abort() override {
    if (comm_ != nullptr) static_cast<void>(library()->comm_abort(std::exchange(comm_, nullptr)));
    static_cast<void>(cudaStreamSynchronize(stream_.get()));
    held_ = Buffer();
  }

 private:
  // After what the worker has put into its stream: the bytes to send, or the block's last user.
  void follow_worker() {
    cuda::Event now;
    now.record(static_cast<cudaStream_t>(device_.stream()));
    cuda::check(cudaStreamWaitEvent(stream_.get(), now.get(), 0), "cudaStreamWaitEvent");
  }

  Device& device_;
  cuda::Stream stream_;
  cuda::Event done_;
  ncclComm_t comm_ = nullptr;
  Buffer held_;
  bool begun_ = false;
};

}  // namespace
}  // namespace nccl

bool has_nccl() { return nccl::library() != nullptr; }

std::string new_link_id() {
  ncclUniqueId id{};
  nccl::check(nccl::library()->get_unique_id(&id), "ncclGetUniqueId");
  return {id.internal, sizeof id.internal};
}

std::unique_ptr<NcclLink> open_link(Device& device, const std::string& id, NcclLink::End end) {
  return std::make_unique<nccl::Link>(device, id, end);
}

}  // namespace sluice::gpu
