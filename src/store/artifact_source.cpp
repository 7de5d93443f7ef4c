#include "store/artifact_source.hpp"

#include "store/descriptor.hpp"
#include "store/object_bytes.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::store {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw InputError(
      fmt::format("cannot read '{}': {}", path, std::generic_category().message(error)));
}

class FileBytes final : public ByteStream {
 public:
  FileBytes(std::string path, std::uint64_t size, std::string changed)
      : path_(std::move(path)),
        size_(size),
        left_(size),
        changed_(std::move(changed)),
        file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_.get() < 0) fail(path_, errno);
    require_unchanged();
    ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  Buffer next() override {
    if (left_ == 0) require_unchanged();
    Buffer piece(std::min(left_, artifact_piece));
    for (std::size_t filled = 0; filled < piece.size();) {
      const auto count = ::read(file_.get(), piece.mutable_data() + filled, piece.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path_, errno);
      if (count == 0) refuse();
      filled += static_cast<std::size_t>(count);
    }
    left_ -= piece.size();
    return piece;
  }

 private:
  void require_unchanged() const {
    struct stat facts {};
    if (::fstat(file_.get(), &facts) != 0) fail(path_, errno);
    if (static_cast<std::uint64_t>(facts.st_size) != size_ || time_of_change(facts) != changed_) {
      refuse();
    }
  }
  [[noreturn]] void refuse() const {
    throw InputError(fmt::format(
        "'{}' has changed while it was read; start the run again when nobody writes it", path_));
  }

  std::string path_;
  std::uint64_t size_;
  std::uint64_t left_;
  std::string changed_;
  Descriptor file_;
};

class FileSource final : public ArtifactSource {
 public:
  FileSource(std::string path, const struct stat& facts)
      : path_(std::move(path)),
        size_(static_cast<std::uint64_t>(facts.st_size)),
        kind_((facts.st_mode & S_IXUSR) != 0 ? SourceKind::program : SourceKind::file),
        changed_(time_of_change(facts)) {}

  std::string version() const override {
    return fmt::format("{} bytes of {}{}", size_, changed_,
                       kind_ == SourceKind::program ? ", executable" : "");
  }
  SourceKind kind() const override { return kind_; }
  std::uint64_t size() const override { return size_; }
  Buffer next() override {
    if (!bytes_) bytes_ = file_bytes(path_, size_, changed_);
    return bytes_->next();
  }

 private:
  std::string path_;
  std::uint64_t size_;
  SourceKind kind_;
  std::string changed_;
  std::unique_ptr<ByteStream> bytes_;
};

class ObjectSource final : public ArtifactSource {
 public:
  explicit ObjectSource(const std::string& uri)
      : name_(parse_s3_uri(uri)), objects_(s3_client(find_s3_config())) {
    auto facts = objects_->look_at(name_);
    if (!facts) {
      throw InputError(fmt::format(
          "there is no object '{}'; for all objects below a prefix, end it with a slash", uri));
    }
    facts_ = std::move(*facts);
  }

  std::string version() const override {
    return fmt::format("{} bytes, {}", facts_.size, facts_.etag);
  }
  SourceKind kind() const override { return SourceKind::file; }
  std::uint64_t size() const override { return facts_.size; }
  Buffer next() override {
    if (!bytes_) bytes_ = std::make_unique<ObjectBytes>(*objects_, name_, facts_);
    return bytes_->next();
  }

 private:
  ObjectName name_;
  std::unique_ptr<ObjectStore> objects_;
  ObjectStore::Facts facts_;
  std::unique_ptr<ByteStream> bytes_;
};

}  // namespace

std::unique_ptr<ByteStream> file_bytes(const std::string& path, std::uint64_t size,
                                       const std::string& changed) {
  return std::make_unique<FileBytes>(path, size, changed);
}

std::string time_of_change(const struct stat& facts) {
  return fmt::format("{}.{:09}", facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

std::unique_ptr<ArtifactSource> open_artifact(const Artifact& artifact) {
  const auto& uri = artifact.uri;
  if (is_s3_uri(uri)) {
    if (uri.ends_with('/')) return open_prefix(uri);
    return std::make_unique<ObjectSource>(uri);
  }
  struct stat facts {};
  if (::stat(uri.c_str(), &facts) != 0) fail(uri, errno);
  if (S_ISDIR(facts.st_mode)) return open_folder(uri);
  if (!S_ISREG(facts.st_mode)) throw InputError(fmt::format("'{}' is no file or folder", uri));
  return std::make_unique<FileSource>(uri, facts);
}

}  // namespace sluice::store
