#include "store/archive.hpp"
#include "store/artifact_source.hpp"
#include "store/checksum.hpp"
#include "store/object_bytes.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

struct Member {
  enum class Kind { folder, link, file };
  Kind kind = Kind::file;
  std::string name;     ///< within the folder
  std::string version;  ///< of a file; where a link leads
  std::uint64_t size = 0;
  bool executable = false;
};

/// Members packed one after the other.
class PackedFolder : public ArtifactSource {
 public:
  explicit PackedFolder(std::vector<Member> members) : members_(std::move(members)) {
    for (const auto& member : members_) size_ += member.size;
    packer_.add_folder("./");  // So that a folder with nothing in it is no empty archive.
  }

  std::string version() const override {
    std::uint64_t sum = members_.size();
    for (const auto& member : members_) {
      sum = checksum(fmt::format("{}\n{}\n{}\n{}", member.name, static_cast<int>(member.kind),
                                 member.size, member.version),
                     sum);
    }
    return fmt::format("{} members, {} bytes, {:016x}", members_.size(), size_, sum);
  }
  SourceKind kind() const override { return SourceKind::folder; }
  std::uint64_t size() const override { return size_; }

  Buffer next() override {
    while (packer_.packed().size() < artifact_piece && !finished_) advance();
    return Buffer::adopt(std::exchange(packer_.packed(), {}));
  }

 protected:
  virtual std::unique_ptr<ByteStream> open(const Member& member) = 0;

 private:
  void advance() {
    if (bytes_) {
      const auto piece = bytes_->next();
      if (!piece.empty()) return packer_.add_bytes(piece.view());
      bytes_.reset();
    }
    if (at_ == members_.size()) {
      finished_ = true;
      return packer_.finish();
    }
    begin(members_[at_++]);
  }

  void begin(const Member& member) {
    if (member.kind == Member::Kind::folder) return packer_.add_folder(member.name);
    if (member.kind == Member::Kind::link) return packer_.add_link(member.name, member.version);
    packer_.begin_file(member.name, member.size, member.executable);
    bytes_ = open(member);
  }

  std::vector<Member> members_;
  std::uint64_t size_ = 0;
  std::size_t at_ = 0;
  bool finished_ = false;
  ArchiveWriter packer_;
  std::unique_ptr<ByteStream> bytes_;  ///< of the file that is being packed
};

class DiskFolder final : public PackedFolder {
 public:
  DiskFolder(std::string path, std::vector<Member> members)
      : PackedFolder(std::move(members)), path_(std::move(path)) {}

 private:
  std::unique_ptr<ByteStream> open(const Member& member) override {
    return file_bytes(path_ / member.name, member.size, member.version);
  }

  fs::path path_;
};

class Prefix final : public PackedFolder {
 public:
  Prefix(std::unique_ptr<ObjectStore> objects, ObjectName prefix, std::vector<Member> members)
      : PackedFolder(std::move(members)),
        objects_(std::move(objects)),
        prefix_(std::move(prefix)) {}

 private:
  std::unique_ptr<ByteStream> open(const Member& member) override {
    const ObjectName name{prefix_.bucket, prefix_.key + member.name};
    return std::make_unique<ObjectBytes>(*objects_, name,
                                         ObjectStore::Facts{member.size, member.version});
  }

  std::unique_ptr<ObjectStore> objects_;
  ObjectName prefix_;
};

Member member_at(const fs::path& path, const std::string& name) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) {
    throw InputError(
        fmt::format("cannot read '{}': {}", path.string(), std::generic_category().message(errno)));
  }
  Member member;
  member.name = name;
  if (S_ISDIR(facts.st_mode)) {
    member.kind = Member::Kind::folder;
  } else if (S_ISLNK(facts.st_mode)) {
    member.kind = Member::Kind::link;
    member.version = fs::read_symlink(path).string();
  } else if (S_ISREG(facts.st_mode)) {
    member.size = static_cast<std::uint64_t>(facts.st_size);
    member.version = time_of_change(facts);
    member.executable = (facts.st_mode & S_IXUSR) != 0;
  } else {
    throw InputError(fmt::format("'{}' is no file, folder or link", path.string()));
  }
  return member;
}

std::vector<Member> members_of(const fs::path& folder) {
  std::vector<Member> members;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    members.push_back(
        member_at(entry->path(), entry->path().lexically_relative(folder).generic_string()));
  }
  if (error) {
    throw InputError(fmt::format("cannot read '{}': {}", folder.string(), error.message()));
  }
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.name < b.name; });
  return members;
}

// Keys may end where others go on with a slash; files may not.
void require_files_or_folders(const std::string& uri, const std::vector<Member>& members) {
  std::set<std::string_view> names;
  for (const auto& member : members) names.insert(member.name);
  for (const std::string_view name : names) {
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      const auto folder = name.substr(0, slash);
      if (!names.contains(folder)) continue;
      throw InputError(
          fmt::format("'{}{}' would be a file and, because of '{}{}', a folder; rename one of them",
                      uri, folder, uri, name));
    }
  }
}

}  // namespace

std::unique_ptr<ArtifactSource> open_folder(const std::string& path) {
  return std::make_unique<DiskFolder>(path, members_of(path));
}

std::unique_ptr<ArtifactSource> open_prefix(const std::string& uri) {
  auto prefix = parse_s3_uri(uri);
  auto objects = s3_client(find_s3_config());
  std::vector<Member> members;
  for (const auto& object :
       objects->list(prefix, ObjectStore::everything, ObjectStore::Folders::skipped)) {
    Member member;
    member.name = object.key.substr(prefix.key.size());
    member.size = object.size;
    member.version = object.etag;
    members.push_back(std::move(member));
  }
  if (members.empty()) throw InputError(fmt::format("there are no objects below '{}'", uri));
  require_files_or_folders(uri, members);
  return std::make_unique<Prefix>(std::move(objects), std::move(prefix), std::move(members));
}

}  // namespace sluice::store
