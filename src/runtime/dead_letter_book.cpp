#include "runtime/dead_letter_book.hpp"

#include "base/safe_text.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

namespace sluice::runtime {
namespace {

constexpr const char* file_name = "dead_letters.jsonl";

std::string plural(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

DeadLetterBook::DeadLetterBook(const ErasedSpec& spec, std::uint64_t inputs,
                               const std::filesystem::path& folder)
    : spec_(spec), inputs_(inputs), letters_(folder / file_name) {}

void DeadLetterBook::add(std::vector<store::DeadLetter> letters) {
  if (letters.empty()) return;
  for (auto& letter : letters) {
    letter.key = input_name(spec_, letter.input);
    letters_.append(letter);
  }
  letters_.flush();
  stop_if_too_many(letters.back());
}

void DeadLetterBook::stop_if_too_many(const store::DeadLetter& last) const {
  const auto dead = static_cast<double>(letters_.inputs().size());
  const auto all = static_cast<double>(inputs_);
  const auto most = spec_.options.max_dead_letters;
  if (dead <= most * all) return;
  throw Error(
      ExitCode::stage,
      fmt::format("too many records cannot be processed: {} of {} ({:.3g}%) have dead "
                  "letters, and max_dead_letters allows {:.3g}%. The last one is '{}', "
                  "which stage '{}' gave up after {}: {}. All are in '{}'. Mend what they "
                  "say and run again, or allow more: pipeline.max_dead_letters, such as "
                  "\"20%\" (RunOptions::max_dead_letters)",
                  letters_.inputs().size(), plural(inputs_, "input"), 100 * dead / all, 100 * most,
                  one_line(last.record.empty() ? last.key : last.record), last.stage,
                  plural(last.attempts, "attempt"), last.error, letters_.file().string()));
}

}  // namespace sluice::runtime
