#pragma once

#include <sluice/artifact.hpp>
#include <sluice/buffer.hpp>

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::store {

/// How much of an artifact is read, sent and written at a time.
inline constexpr std::uint64_t artifact_piece = 4 << 20;

/// Bytes from front to back.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Some megabytes; nothing at the end. Throws InputError.
  virtual Buffer next() = 0;
};

enum class SourceKind : std::uint8_t { file, program, folder };

/// What is at an artifact's uri, as a stream: a file's or an object's bytes, or a folder packed.
class ArtifactSource : public ByteStream {
 public:
  /// Another text if something else is there.
  virtual std::string version() const = 0;
  /// A program is a file that its user may execute.
  virtual SourceKind kind() const = 0;
  /// Bytes of the file, or of all files in the folder.
  virtual std::uint64_t size() const = 0;
};

/// Looks at what is there and reads nothing yet. Throws InputError if there is nothing.
std::unique_ptr<ArtifactSource> open_artifact(const Artifact& artifact);

// Its parts. Folders, or all objects whose keys begin so:
std::unique_ptr<ArtifactSource> open_folder(const std::string& path);
std::unique_ptr<ArtifactSource> open_prefix(const std::string& uri);
// A file that had these facts when it was named; InputError if it has others once it is read.
std::unique_ptr<ByteStream> file_bytes(const std::string& path, std::uint64_t size,
                                       const std::string& changed);
/// When it was changed.
std::string time_of_change(const struct stat& facts);

}  // namespace sluice::store
