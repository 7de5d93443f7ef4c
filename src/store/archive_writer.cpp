#include "store/archive.hpp"

#include <sluice/error.hpp>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

namespace sluice::store {
namespace {

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

la_ssize_t take(archive*, void* packed, const void* bytes, std::size_t size) {
  static_cast<std::string*>(packed)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

struct ArchiveWriter::State {
  archive* out = archive_write_new();
  std::string packed;
  ~State() { archive_write_free(out); }

  void check(la_ssize_t result) const {
    if (result >= ARCHIVE_WARN) return;
    const char* why = archive_error_string(out);
    throw IoError(fmt::format("cannot pack a folder: {}", why == nullptr ? "no memory" : why));
  }

  void add(const std::string& name, unsigned type, unsigned mode,
           const std::function<void(archive_entry*)>& fill = {}) const {
    const Entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    archive_entry_set_size(entry.get(), 0);
    if (fill) fill(entry.get());
    check(archive_write_header(out, entry.get()));
  }
};

ArchiveWriter::ArchiveWriter() : state_(std::make_unique<State>()) {
  state_->check(archive_write_set_format_pax_restricted(state_->out));
  state_->check(archive_write_set_bytes_per_block(state_->out, 0));
  state_->check(archive_write_open(state_->out, &state_->packed, nullptr, &take, nullptr));
}

ArchiveWriter::~ArchiveWriter() = default;

void ArchiveWriter::add_folder(const std::string& name) { state_->add(name, AE_IFDIR, 0755); }

void ArchiveWriter::add_link(const std::string& name, const std::string& target) {
  state_->add(name, AE_IFLNK, 0777,
              [&](archive_entry* entry) { archive_entry_set_symlink(entry, target.c_str()); });
}

void ArchiveWriter::begin_file(const std::string& name, std::uint64_t size, bool executable) {
  state_->add(name, AE_IFREG, executable ? 0755 : 0644, [&](archive_entry* entry) {
    archive_entry_set_size(entry, static_cast<la_int64_t>(size));
  });
}

void ArchiveWriter::add_bytes(std::string_view bytes) {
  state_->check(archive_write_data(state_->out, bytes.data(), bytes.size()));
}

void ArchiveWriter::finish() { state_->check(archive_write_close(state_->out)); }

std::string& ArchiveWriter::packed() { return state_->packed; }

}  // namespace sluice::store
