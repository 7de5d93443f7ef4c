#pragma once

#include <nlohmann/json.hpp>

#include <optional>

namespace sluice::observe {

/// The value, or null.
template <class Value>
nlohmann::ordered_json optional_json(const std::optional<Value>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace sluice::observe
