#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// A record that its stage has given up, and why.
struct DeadLetter {
  std::uint64_t input = 0;          ///< the index of the input record that it descends from
  std::string key;                  ///< that record's
  std::vector<std::uint32_t> path;  ///< its place among that record's descendants, a number a split
  std::string record;               ///< its own key; empty if it has none
  std::string stage;
  std::string error;
  std::uint64_t attempts = 0;  ///< calls of `process` that it was in
  int rank = 0;
  std::string node;
  std::string time;  ///< when it was given up: ISO 8601, UTC

  bool operator==(const DeadLetter&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(input, key, path, record, stage, error, attempts, rank, node, time);
  }
};

/// A line of JSON, with its end.
std::string to_line(const DeadLetter& letter);
/// Nothing if the line is none, or not whole. Throws InputError if it has a number that is none.
std::optional<DeadLetter> parse_dead_letter(std::string_view line);
std::vector<DeadLetter> parse_dead_letters(std::string_view text);

/// A run's dead letters: a file of JSON Lines, which exists once there is one. One process writes
/// it. Throws IoError.
class DeadLetters {
 public:
  explicit DeadLetters(std::filesystem::path file) : file_(std::move(file)) {}
  ~DeadLetters();
  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  /// Written down with the next `flush`.
  void append(const DeadLetter& letter);
  /// What was appended is on disk afterwards.
  void flush();
  /// Of the file as it is, whoever wrote it, keeps these letters alone, and counts them anew; a
  /// last line that a crash cut short goes too.
  void keep_only(const std::function<bool(const DeadLetter&)>& keep);

  const std::filesystem::path& file() const noexcept { return file_; }
  std::uint64_t size() const noexcept { return size_; }
  /// The inputs that have dead letters.
  const std::set<std::uint64_t>& inputs() const noexcept { return inputs_; }

 private:
  void open();
  void close();

  std::filesystem::path file_;
  std::string pending_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::set<std::uint64_t> inputs_;
};

}  // namespace sluice::store
