#include "control/attempts.hpp"

#include <algorithm>

namespace sluice::control {

Attempts::Attempts(std::size_t records, std::size_t attempts)
    : attempts_(std::max<std::size_t>(1, attempts)) {
  if (records > 0) parts_.push_back({{0, records}, attempts_, 0});
}

std::optional<Attempts::Part> Attempts::next() const {
  if (parts_.empty()) return std::nullopt;
  return parts_.back().part;
}

void Attempts::succeeded() { parts_.pop_back(); }

Attempts::Verdict Attempts::failed(std::optional<std::size_t> at_fault) {
  using Then = Verdict::Then;
  auto& tried = parts_.back();
  ++tried.tries;
  if (--tried.left > 0) return {Then::again, tried.tries};
  const auto whole = tried;
  parts_.pop_back();
  if (whole.part.count == 1) return {Then::poison, whole.tries};
  split(whole, at_fault);
  return {Then::split, whole.tries};
}

void Attempts::split(const Open& whole, std::optional<std::size_t> at_fault) {
  const auto [first, count] = whole.part;
  if (at_fault && *at_fault < count) {
    const auto place = first + *at_fault;
    add(place + 1, first + count, whole.tries);
    add(place, place + 1, whole.tries);
    add(first, place, whole.tries);
  } else {
    const auto middle = first + (count + 1) / 2;
    add(middle, first + count, whole.tries);
    add(first, middle, whole.tries);
  }
}

void Attempts::add(std::size_t first, std::size_t end, std::uint64_t tries) {
  if (first == end) return;
  const auto count = end - first;
  parts_.push_back({{first, count}, count == 1 ? attempts_ : 1, tries});
}

}  // namespace sluice::control
