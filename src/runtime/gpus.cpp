#include "runtime/gpus.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

namespace sluice::runtime {
namespace {

using Names = std::vector<std::string>;

std::optional<std::string_view> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

bool is_device(std::string_view name) {
  constexpr std::string_view prefix = "nvidia";
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

std::size_t devices_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    if (is_device(entry->path().filename().string())) ++count;
  }
  return count;
}

// CUDA takes what stands before the first one that it does not know; "" and "-1" are none.
Names listed(std::string_view text) {
  Names names;
  while (!text.empty() && text.front() != '-') {
    const auto comma = std::min(text.find(','), text.size());
    names.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

Names first(std::size_t count) {
  Names names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

// What Slurm gave this process, by the node's numbers; absent if it says nothing about GPUs.
std::optional<Names> allotted() {
  for (const char* list : {"SLURM_STEP_GPUS", "SLURM_JOB_GPUS"}) {
    if (const auto numbers = variable(list)) return listed(*numbers);
  }
  const auto text = variable("SLURM_GPUS_ON_NODE");
  std::size_t count = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->begin(), text->end(), count);
  constexpr std::size_t most = 1024;
  if (error != std::errc() || end != text->end() || count > most) return std::nullopt;
  return first(count);
}

// Slices of a device are not devices.
bool is_slice(const std::string& name) { return name.starts_with("MIG-"); }

}  // namespace

std::vector<std::string> visible_gpus(const std::filesystem::path& devices) {
  const auto slurm = allotted();
  const auto visible = variable("CUDA_VISIBLE_DEVICES");
  if (!visible) return slurm ? *slurm : first(devices_in(devices));
  auto names = listed(*visible);
  if (slurm) return slurm->size() == names.size() ? *slurm : names;
  if (std::none_of(names.begin(), names.end(), is_slice)) {
    names.resize(std::min(names.size(), devices_in(devices)));
  }
  return names;
}

std::vector<std::string> cuda_names(const std::vector<std::string>& gpus,
                                    const std::filesystem::path& devices) {
  if (gpus.empty()) return {};
  const auto here = visible_gpus(devices);
  const auto given = variable("CUDA_VISIBLE_DEVICES");
  const auto names = given ? listed(*given) : here;
  Names result;
  for (const auto& gpu : gpus) {
    const auto at =
        static_cast<std::size_t>(std::find(here.begin(), here.end(), gpu) - here.begin());
    if (at >= here.size() || at >= names.size()) throw InvariantError("no GPU here is " + gpu);
    result.push_back(names[at]);
  }
  return result;
}

}  // namespace sluice::runtime
