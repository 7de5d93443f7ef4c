#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::store {

/// Packs a folder's members into a stream, in the form of tar. Throws IoError.
class ArchiveWriter {
 public:
  ArchiveWriter();
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  void add_folder(const std::string& name);
  void add_link(const std::string& name, const std::string& target);
  /// `size` bytes follow by `add_bytes`.
  void begin_file(const std::string& name, std::uint64_t size, bool executable);
  void add_bytes(std::string_view bytes);
  /// Nothing may be added any more.
  void finish();

  /// Of the stream, what was not taken yet.
  std::string& packed();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Unpacks an archive (tar, zip, 7-Zip or cpio, compressed in any way that libarchive knows) into a
/// folder that exists, and calls `each` now and then. Throws InputError if it is none, is empty or
/// damaged, or has a member that is no file, folder or link, or that lies or points outside;
/// IoError if a member cannot be written.
void unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& folder,
                    const std::function<void()>& each);

}  // namespace sluice::store
