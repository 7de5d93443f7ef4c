#include "gpu/platform.hpp"

#include "gpu/backend.hpp"
#include "gpu/emulated.hpp"

#include <sluice/error.hpp>
#include <sluice/gpu.hpp>

#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>

namespace sluice::gpu {
namespace {

// Buffers may outlive static destruction, so the devices do.
struct Opened {
  std::mutex mutex;
  std::map<int, std::unique_ptr<Device>> devices;
};

Opened& opened() {
  static auto& instance = *new Opened;
  return instance;
}

thread_local Device* worker_device = nullptr;

int number_in(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

int index_of(const std::string& name) {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible == nullptr) return number_in(name);
  std::string_view rest = visible;
  for (int index = 0; !rest.empty(); ++index) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (rest.substr(0, comma) == name) return index;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return -1;
}

Device& required() {
  if (worker_device == nullptr) throw Error(ExitCode::stage, "the worker has no GPU");
  return *worker_device;
}

}  // namespace

int device_count() {
  const auto emulated = emulated_devices();
  return emulated ? *emulated : backend::device_count();
}

std::string why_no_device() {
  if (device_count() > 0) return {};
  return emulated_devices() ? "SLUICE_GPU emulates none" : backend::why_no_device();
}

Device& device(int index) {
  if (index < 0 || index >= device_count()) {
    throw Error(ExitCode::launch, "there is no GPU " + std::to_string(index) + ": " +
                                      (device_count() == 0 ? why_no_device() : "too few"));
  }
  const std::lock_guard lock(opened().mutex);
  auto& entry = opened().devices[index];
  if (!entry) entry = emulated_devices() ? open_emulated(index) : backend::open(index);
  return *entry;
}

Device* find_device(const std::string& name) {
  const int index = index_of(name);
  return index >= 0 && index < device_count() ? &device(index) : nullptr;
}

void set_worker_device(Device* device) noexcept { worker_device = device; }

bool has_device() noexcept { return worker_device != nullptr; }

void* stream() { return worker_device == nullptr ? nullptr : worker_device->stream(); }

Buffer allocate(std::size_t size) { return required().allocate(size); }

Buffer allocate_pinned(std::size_t size) {
  return worker_device == nullptr ? Buffer(size) : worker_device->allocate_pinned(size);
}

}  // namespace sluice::gpu
