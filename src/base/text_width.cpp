#include "base/text_width.hpp"

#include "base/safe_text.hpp"

#include <locale.h>
#include <cwchar>

namespace sluice {
namespace {

// What the C library knows of characters depends on the thread's locale; the user's may be "C".
class Utf8Locale {
 public:
  Utf8Locale() : before_(utf8() != nullptr ? ::uselocale(utf8()) : nullptr) {}
  ~Utf8Locale() {
    if (before_ != nullptr) ::uselocale(before_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  // For the life of the process.
  static locale_t utf8() {
    static const locale_t found = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return found;
  }

  locale_t before_;
};

struct Character {
  std::string_view bytes;
  std::size_t cells = 1;
};

Character first_character(std::string_view text) {
  std::mbstate_t state{};
  wchar_t wide = 0;
  const auto size = std::mbrtowc(&wide, text.data(), text.size(), &state);
  const Character none{"?", 1};
  if (size == 0 || size > text.size()) return none;
  const int width = ::wcwidth(wide);
  return width < 0 ? none : Character{text.substr(0, size), static_cast<std::size_t>(width)};
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

template <class Take>
void each_character(std::string_view text, Take take) {
  const Utf8Locale locale;
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!take(character)) return;
    const bool is_there = character.bytes.data() == text.data();
    text.remove_prefix(is_there ? character.bytes.size() : 1);
  }
}

}  // namespace

std::size_t cells(std::string_view text) {
  std::size_t sum = 0;
  each_character(one_line(text), [&](const Character& each) {
    sum += each.cells;
    return true;
  });
  return sum;
}

std::string fitted(std::string_view text, std::size_t cells) {
  std::string fit;
  std::size_t left = cells;
  each_character(one_line(text), [&](const Character& each) {
    if (each.cells > left) return false;
    fit += each.bytes;
    left -= each.cells;
    return true;
  });
  return fit.append(left, ' ');
}

std::string_view whole_beginning(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  constexpr std::size_t most = 3;  // that follow the first byte of a character
  std::size_t end = bytes;
  while (end > 0 && bytes - end < most && is_continuation(text[end])) --end;
  return text.substr(0, is_continuation(text[end]) ? bytes : end);
}

}  // namespace sluice
