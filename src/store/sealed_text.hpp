#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::store {

/// A small text with its kind in front and its checksum at the end, three lines that people and
/// programs can read:
///
///     sluice-manifest 1
///     {"stage": …}
///     xxh3 8c3f…
std::string seal(std::string_view kind, std::string_view line);

/// The line in between, from text that starts with the sealed one; nothing if the kind is another
/// or a byte differs.
std::optional<std::string> unseal(std::string_view kind, std::string_view text);

}  // namespace sluice::store
