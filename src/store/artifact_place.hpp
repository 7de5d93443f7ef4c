#pragma once

#include "store/artifact_source.hpp"
#include "store/atomic_file.hpp"
#include "store/descriptor.hpp"

#include <sluice/artifact.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::store {

/// Where an artifact is to be on this node. It appears there whole: what arrives is written beside
/// it, checked, unpacked, synced and then renamed. A note in the node's folder says what each place
/// holds. All throw IoError.
class ArtifactPlace {
 public:
  /// Makes the node's folder. Throws UsageError if something stands at `dest` that no run put
  /// there.
  explicit ArtifactPlace(const Artifact& artifact);

  /// Whether it holds what `key` names, and nobody has changed that since.
  bool holds(const std::string& key) const;

  /// Throws if so many bytes don't fit.
  void begin(std::uint64_t size);
  void write(std::string_view piece);
  std::uint64_t written() const noexcept { return size_; }
  /// `sum` is of the pieces as they were sent; of a folder they are it, packed. `each` is
  /// called now and then. Throws InputError if it cannot be unpacked.
  void finish(const std::string& key, std::uint64_t sum, SourceKind kind,
              const std::function<void()>& each);

 private:
  std::filesystem::path unpack(const std::function<void()>& each);
  void settle(const std::filesystem::path& from, const std::string& key);
  std::string describe(const std::filesystem::path& place) const;
  [[noreturn]] void fail(int error) const;

  std::string uri_;
  bool unpacks_;
  std::filesystem::path own_;   ///< sluice's own part of the node's folder
  std::filesystem::path path_;  ///< where it is to be
  std::filesystem::path note_;
  std::optional<AtomicFile> partial_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace sluice::store
