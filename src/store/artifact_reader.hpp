#pragma once

#include "store/artifact_source.hpp"
#include "store/sha256.hpp"

#include <sluice/artifact.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::store {

/// Reads an artifact's source once, and checks it. Errors name the artifact.
class ArtifactReader {
 public:
  explicit ArtifactReader(Artifact artifact) : artifact_(std::move(artifact)) {}

  /// What a node that has it can be known by. With a sha256 nothing is looked at for that.
  std::string key();

  /// Bytes of the source. Opens it, as do the next two.
  std::uint64_t size() { return source().size(); }
  SourceKind kind() { return source().kind(); }
  /// Nothing at the end. Throws InputError if what has been read is not what it should be.
  Buffer next();

  std::uint64_t read() const noexcept { return read_; }
  /// Checksum of all pieces so far.
  std::uint64_t sum() const noexcept { return sum_; }

 private:
  template <class Body>
  auto named(Body body);
  ArtifactSource& source();
  Buffer take(Buffer piece);
  void check();

  Artifact artifact_;
  std::unique_ptr<ArtifactSource> source_;
  Sha256 sha256_;
  std::uint64_t read_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace sluice::store
