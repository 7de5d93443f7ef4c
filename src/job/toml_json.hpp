#pragma once

#include <toml++/toml.h>

#include <string>

namespace sluice::job {

/// The table as a JSON object, its keys sorted; dates and times become strings. Throws UsageError
/// for a number that JSON does not have. `path` is the table's, for errors.
std::string json_of(const toml::table& table, const std::string& path);

}  // namespace sluice::job
