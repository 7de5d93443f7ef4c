#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::control {

/// Decides what to try next of an input batch whose `process` may fail. Pure.
///
/// The whole batch is tried up to `attempts` times. If it still fails it is split, in halves, or
/// around the record that the failure names: what comes before it, it alone, what comes after it. A
/// part of several records is tried once before it is split in its turn, a single record up to
/// `attempts` times; one that fails even then is poison. Parts are tried depth first and from left
/// to right, so that what they become stays in order, and a record that succeeded is never tried
/// again.
///
/// With n records, p of them poison and `a` attempts, where failures depend on the records alone,
/// these are at most `a + p (2 ceil(log2 n) + a - 1)` calls in halves, and `a + p (a + 2)` if each
/// failure names a record at fault. Whatever happens, they are at most `a + n (a + 1)`.
class Attempts {
 public:
  Attempts(std::size_t records, std::size_t attempts);

  struct Part {
    std::size_t first = 0;
    std::size_t count = 0;
    bool operator==(const Part&) const = default;
  };
  /// What to try next; nothing if every record has succeeded or is poison.
  std::optional<Part> next() const;

  // What became of that.

  void succeeded();
  struct Verdict {
    enum class Then { again, split, poison } then = Then::again;
    std::uint64_t tries = 0;  ///< of the part's records so far, in whatever part
  };
  /// `at_fault`: the record that the failure names, by its place in the part.
  Verdict failed(std::optional<std::size_t> at_fault);

 private:
  struct Open {
    Part part;
    std::size_t left = 0;     ///< tries of it as it is
    std::uint64_t tries = 0;  ///< so far, in whatever part
  };
  void split(const Open& whole, std::optional<std::size_t> at_fault);
  void add(std::size_t first, std::size_t end, std::uint64_t tries);

  std::size_t attempts_;
  std::vector<Open> parts_;  ///< the next one last
};

}  // namespace sluice::control
