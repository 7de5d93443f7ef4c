#include "gpu/emulated.hpp"

#include <sluice/error.hpp>

#include <sys/uio.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>

namespace sluice::gpu {
namespace {

constexpr std::uint64_t memory_of_each = std::uint64_t{1} << 30U;

class EmulatedMemory final : public BufferMemory {
 public:
  Memory kind() const noexcept override { return Memory::device; }
  Buffer to_host(const Buffer& buffer) const override { return Buffer::copy_of(bytes_of(buffer)); }
  Buffer clone(const Buffer& buffer) const override { return copy(bytes_of(buffer)); }

  Buffer allocate(std::size_t size) const {
    std::shared_ptr<std::byte> bytes(new std::byte[size], std::default_delete<std::byte[]>());
    return Buffer::share(std::move(bytes), size, Buffer::Access::writable, this);
  }
  Buffer copy(std::string_view bytes) const {
    auto buffer = allocate(bytes.size());
    std::memcpy(buffer.mutable_data(), bytes.data(), bytes.size());
    return buffer;
  }
  static std::string_view bytes_of(const Buffer& buffer) {
    return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
  }
};

class EmulatedCopies final : public Copies {
 public:
  EmulatedCopies(Device& device, const EmulatedMemory& memory) : device_(device), memory_(memory) {}

  void start(Ticket ticket, std::vector<Buffer> buffers) override {
    for (auto& buffer : buffers) {
      if (!device_.holds(buffer)) buffer = memory_.copy(EmulatedMemory::bytes_of(buffer));
    }
    copied_[ticket] = std::move(buffers);
  }
  bool done(Ticket ticket) const override { return copied_.contains(ticket); }
  std::vector<Buffer> take(Ticket ticket) override { return copied_.extract(ticket).mapped(); }
  void drop(Ticket ticket) override { copied_.erase(ticket); }

 private:
  Device& device_;
  const EmulatedMemory& memory_;
  std::map<Ticket, std::vector<Buffer>> copied_;
};

// What it shares is its process and an address there.
struct Address {
  pid_t process;
  std::byte* data;
};

class EmulatedDevice final : public Device {
 public:
  explicit EmulatedDevice(int index)
      : info_{index, "emulated", "EMULATED-" + std::to_string(index), memory_of_each, 0, 0} {}

  const DeviceInfo& info() const override { return info_; }
  std::uint64_t free_bytes() const override { return memory_of_each; }
  void make_current() override {}
  void check_health() override {
    const char* sick = std::getenv("SLUICE_GPU_SICK");
    if (sick == nullptr || std::string_view(sick) != std::to_string(info_.index)) return;
    throw Error(ExitCode::launch, "GPU " + std::to_string(info_.index) + " (emulated, " +
                                      info_.uuid + ") failed its health check: SLUICE_GPU_SICK");
  }
  void* stream() override { return nullptr; }
  void synchronize() override {}
  Buffer allocate(std::size_t size) override { return memory_.allocate(size); }
  Buffer allocate_pinned(std::size_t size) override { return Buffer(size); }
  bool holds(const Buffer& buffer) const override { return buffer.home() == &memory_; }
  std::vector<Buffer> to_host(const std::vector<Buffer>& buffers) override {
    std::vector<Buffer> here;
    for (const auto& buffer : buffers) here.push_back(buffer.to_host());
    return here;
  }
  std::unique_ptr<Copies> open_copies() override {
    return std::make_unique<EmulatedCopies>(*this, memory_);
  }

  std::string share(const Buffer& buffer) override {
    const Address address{getpid(), const_cast<std::byte*>(buffer.data())};
    std::string text(sizeof address, '\0');
    std::memcpy(text.data(), &address, sizeof address);
    return text;
  }
  Buffer copy_shared(const std::string& shared, std::size_t size) override {
    Address address{};
    if (shared.size() != sizeof address) throw DecodeError("a shared GPU buffer is malformed");
    std::memcpy(&address, shared.data(), sizeof address);
    auto buffer = allocate(size);
    const iovec to{buffer.mutable_data(), size};
    const iovec from{address.data, size};
    if (process_vm_readv(address.process, &to, 1, &from, 1, 0) == static_cast<ssize_t>(size)) {
      return buffer;
    }
    throw Error(ExitCode::launch,
                std::string("another process' memory is out of reach: ") + std::strerror(errno));
  }

 private:
  DeviceInfo info_;
  EmulatedMemory memory_;
};

}  // namespace

std::optional<int> emulated_devices() {
  constexpr std::string_view name = "emulated";
  const char* value = std::getenv("SLUICE_GPU");
  if (value == nullptr || !std::string_view(value).starts_with(name)) return std::nullopt;
  const auto rest = std::string_view(value).substr(name.size());
  int count = 1;
  if (rest.starts_with(':')) {
    std::from_chars(rest.data() + 1, rest.data() + rest.size(), count);
  }
  return count;
}

std::unique_ptr<Device> open_emulated(int index) { return std::make_unique<EmulatedDevice>(index); }

}  // namespace sluice::gpu
