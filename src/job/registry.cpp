#include <sluice/error.hpp>
#include <sluice/registry.hpp>

#include "job/check_settings.hpp"

#include <fmt/format.h>

#include <utility>

namespace sluice {

void StageRegistry::add(StageKind kind) {
  if (kind.name.empty() || !kind.make) {
    throw UsageError(
        fmt::format("stage kind '{}' needs a name and a function that makes its stage", kind.name));
  }
  if (find(kind.name) != nullptr) {
    throw UsageError(fmt::format("there are two stage kinds named '{}'; rename one", kind.name));
  }
  job::check_fallbacks(kind);
  std::string name = kind.name;
  kinds_.emplace(std::move(name), std::move(kind));
}

const StageKind* StageRegistry::find(std::string_view name) const {
  const auto it = kinds_.find(name);
  return it == kinds_.end() ? nullptr : &it->second;
}

}  // namespace sluice
