#include "store/archive.hpp"

#include <sluice/error.hpp>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include <algorithm>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

// Whether a path from within the folder stays there.
bool stays_inside(const fs::path& path) {
  const auto normal = path.lexically_normal();
  return normal.is_relative() && !normal.empty() && *normal.begin() != "..";
}

// What is above a named part is not known from the text: the part may be a link itself.
bool climbs_from_a_name(const fs::path& path) {
  const auto named = std::find_if(path.begin(), path.end(),
                                  [](const fs::path& part) { return part != "." && part != ".."; });
  return std::find(named, path.end(), "..") != path.end();
}

// The process may be in the C locale, in which names beyond ASCII would be lost.
class Utf8Names {
 public:
  Utf8Names() : before_(::uselocale(utf8_)) {}
  ~Utf8Names() {
    ::uselocale(before_);
    if (utf8_ != nullptr) ::freelocale(utf8_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t utf8_ = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  locale_t before_;
};

class Unpacking {
 public:
  Unpacking(const fs::path& archive, const fs::path& folder)
      : path_(archive), folder_(fs::canonical(folder)) {
    archive_read_support_filter_all(in_);
    // Not all that there are: a list of files (mtree) could name any of the node's.
    archive_read_support_format_tar(in_);
    archive_read_support_format_zip(in_);
    archive_read_support_format_7zip(in_);
    archive_read_support_format_cpio(in_);
    archive_write_disk_set_options(
        out_, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                  ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_UNLINK);
    constexpr std::size_t block = 1 << 20;
    check_read(archive_read_open_filename(in_, path_.c_str(), block));
  }
  ~Unpacking() {
    archive_read_free(in_);
    archive_write_free(out_);
  }
  Unpacking(const Unpacking&) = delete;
  Unpacking& operator=(const Unpacking&) = delete;

  void run(const std::function<void()>& each) {
    archive_entry* entry = nullptr;
    while (check_read(archive_read_next_header(in_, &entry)) != ARCHIVE_EOF) {
      if (place(entry)) copy(entry);
      if (++members_ % 64 == 0 && each) each();
    }
    if (members_ == 0) throw InputError("it cannot be unpacked: it is empty");
    check_written(archive_write_close(out_));
  }

 private:
  // False for the archive's own "./".
  bool place(archive_entry* entry) {
    const char* given = archive_entry_pathname(entry);
    if (given == nullptr) fail_to_read();
    name_ = given;
    if (!stays_inside(name_)) refuse("lies outside the folder");
    const auto member = fs::path(name_).lexically_normal();
    if (member == "." || member == "./") return false;
    archive_entry_copy_pathname(entry, (folder_ / member).c_str());
    place_link(entry, member);
    const auto type = archive_entry_filetype(entry);
    // Its user can read, replace and remove all of it; nobody gains a right by it.
    archive_entry_set_perm(
        entry, (archive_entry_perm(entry) & 0755U) | (type == AE_IFDIR ? 0700U : 0600U));
    if (type == AE_IFLNK && archive_entry_symlink(entry) == nullptr) fail_to_read();
    const bool usual = type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK;
    if (!usual && archive_entry_hardlink(entry) == nullptr) refuse("is no file, folder or link");
    return true;
  }

  void place_link(archive_entry* entry, const fs::path& member) {
    if (const char* target = archive_entry_symlink(entry)) {
      const fs::path to(target);
      if (to.is_absolute() || !stays_inside(member.parent_path() / to)) {
        refuse(fmt::format("is a link to '{}', outside the folder", target));
      }
      if (climbs_from_a_name(to)) {
        refuse(fmt::format("is a link to '{}', which may be outside the folder", target));
      }
    }
    if (const char* target = archive_entry_hardlink(entry)) {
      const fs::path to(target);
      if (!stays_inside(to)) refuse(fmt::format("is a link to '{}', outside the folder", target));
      archive_entry_copy_hardlink(entry, (folder_ / to.lexically_normal()).c_str());
    }
  }

  void copy(archive_entry* entry) {
    check_written(archive_write_header(out_, entry));
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while (check_data(archive_read_data_block(in_, &bytes, &size, &offset)) != ARCHIVE_EOF) {
      check_written(archive_write_data_block(out_, bytes, size, offset));
    }
    check_written(archive_write_finish_entry(out_));
  }

  // A header may warn, of names for example.
  int check_read(int result) const {
    if (result < ARCHIVE_WARN) fail_to_read();
    return result;
  }
  // Of bytes a warning says that their checksum or size is wrong.
  int check_data(int result) const {
    if (result != ARCHIVE_OK && result != ARCHIVE_EOF) fail_to_read();
    return result;
  }
  [[noreturn]] void fail_to_read() const {
    throw InputError(fmt::format("it cannot be unpacked{}: {}", at_member(), text(in_)));
  }
  void check_written(la_ssize_t result) const {
    if (result >= ARCHIVE_WARN) return;
    throw IoError(
        fmt::format("cannot write '{}': {}; check the folder's permissions and free space",
                    (folder_ / name_).string(), text(out_)));
  }
  static std::string text(archive* of) {
    const char* why = archive_error_string(of);
    return why == nullptr ? "no reason is known" : why;
  }
  std::string at_member() const {
    return name_.empty() ? "" : fmt::format(" (after member '{}')", name_);
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw InputError(fmt::format("its member '{}' {}; nothing of it was kept", name_, why));
  }

  Utf8Names utf8_names_;
  fs::path path_;
  fs::path folder_;
  archive* in_ = archive_read_new();
  archive* out_ = archive_write_disk_new();
  std::uint64_t members_ = 0;
  std::string name_;  ///< of the member at hand, as the archive has it
};

}  // namespace

void unpack_archive(const fs::path& archive, const fs::path& folder,
                    const std::function<void()>& each) {
  Unpacking(archive, folder).run(each);
}

}  // namespace sluice::store
