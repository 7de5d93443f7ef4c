#include "runtime/gpu_count.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace sluice::runtime {
namespace {

bool is_device(std::string_view name) {
  constexpr std::string_view prefix = "nvidia";
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

// CUDA takes what stands before the first one that it does not know; "" and "-1" are none.
std::size_t listed(std::string_view visible) {
  std::size_t count = 0;
  while (!visible.empty() && visible.front() != '-') {
    ++count;
    const auto comma = visible.find(',');
    visible = comma == std::string_view::npos ? "" : visible.substr(comma + 1);
  }
  return count;
}

}  // namespace

std::size_t gpu_count(const char* visible, const std::filesystem::path& devices) {
  std::size_t count = 0;
  std::error_code error;
  std::filesystem::directory_iterator entry(devices, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    if (is_device(entry->path().filename().string())) ++count;
  }
  return visible == nullptr ? count : std::min(count, listed(visible));
}

std::size_t gpu_count() { return gpu_count(std::getenv("CUDA_VISIBLE_DEVICES")); }

}  // namespace sluice::runtime
