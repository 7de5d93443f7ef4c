#include "gpu/nvml.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <optional>

namespace sluice::gpu {
namespace {

// What is used of NVML's interface, which comes with the driver and has been stable for long. Its
// header comes with CUDA's development files at best.
using Device = struct OpaqueDevice*;
struct MemoryInfo {
  unsigned long long total, free, used;
};
constexpr int success = 0;

class Nvml {
 public:
  Nvml() : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) return;
    find("nvmlInit_v2", init_);
    find("nvmlShutdown", shutdown_);
    find("nvmlDeviceGetCount_v2", count_);
    find("nvmlDeviceGetHandleByIndex_v2", handle_);
    find("nvmlDeviceGetMemoryInfo", memory_);
    find("nvmlDeviceGetUUID", uuid_);
    ready_ = complete_ && init_() == success;
  }
  ~Nvml() {
    if (ready_) shutdown_();
    if (library_ != nullptr) dlclose(library_);
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  unsigned count() const {
    unsigned count = 0;
    return ready_ && count_(&count) == success ? count : 0;
  }

  std::optional<ManagedGpu> gpu(unsigned index) const {
    Device device = nullptr;
    MemoryInfo memory{};
    std::array<char, 96> uuid{};
    if (handle_(index, &device) != success || memory_(device, &memory) != success ||
        uuid_(device, uuid.data(), static_cast<unsigned>(uuid.size())) != success) {
      return std::nullopt;
    }
    return ManagedGpu{uuid.data(), memory.total, memory.free};
  }

 private:
  template <class Function>
  void find(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library_, name));
    complete_ = complete_ && function != nullptr;
  }

  void* library_;
  bool complete_ = true;
  bool ready_ = false;
  int (*init_)() = nullptr;
  int (*shutdown_)() = nullptr;
  int (*count_)(unsigned*) = nullptr;
  int (*handle_)(unsigned, Device*) = nullptr;
  int (*memory_)(Device, MemoryInfo*) = nullptr;
  int (*uuid_)(Device, char*, unsigned) = nullptr;
};

}  // namespace

std::vector<ManagedGpu> managed_gpus() {
  const Nvml nvml;
  std::vector<ManagedGpu> gpus;
  for (unsigned i = 0; i < nvml.count(); ++i) {
    if (auto gpu = nvml.gpu(i)) gpus.push_back(std::move(*gpu));
  }
  return gpus;
}

std::uint64_t memory_of_smallest() {
  const auto gpus = managed_gpus();
  const auto smallest = std::min_element(
      gpus.begin(), gpus.end(), [](const auto& a, const auto& b) { return a.total < b.total; });
  return smallest == gpus.end() ? 0 : smallest->total;
}

}  // namespace sluice::gpu
