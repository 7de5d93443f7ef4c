#pragma once

#include "job/raw_value.hpp"

#include <toml++/toml.h>

namespace sluice::job {

// TOML as toml++ has it, made into what the rest of the layer reads. Only the files that include
// this one know toml++.

/// The path given to toml++ for text from the command line starts with this.
inline constexpr std::string_view set_prefix = "--set ";

Place place_of(const toml::node& node);
RawValue raw_value(const toml::node& node);
RawTable raw_table(const toml::table& table);

/// Parses TOML; throws UsageError naming file, line and column.
toml::table parse_toml(std::string_view text, const std::string& file);

}  // namespace sluice::job
