#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Names and keys are UTF-8, or meant to be. A terminal draws some characters in two cells, and
// some, such as accents, in none of their own.
namespace sluice {

/// The cells that `fitted` gives it if there is room.
std::size_t cells(std::string_view text);

/// On one line (safe_text.hpp) and exactly so many cells wide: its beginning, in whole characters,
/// or all of it and blanks. What is no character becomes '?'.
std::string fitted(std::string_view text, std::size_t cells);

/// Its beginning of at most so many bytes, without a part of a character at the end.
std::string_view whole_beginning(std::string_view text, std::size_t bytes);

}  // namespace sluice
