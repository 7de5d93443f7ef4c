#include "store/artifact_place.hpp"

#include "store/archive.hpp"
#include "store/checksum.hpp"
#include "store/disk.hpp"
#include "store/node_folder.hpp"
#include "store/replace.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <vector>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

// Size and time of change; a link counts as what it says.
std::string facts_of(const fs::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return "gone";
  return fmt::format("{} {}.{:09}", facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

// All but folders. Links are not followed: they may lead to themselves.
std::vector<std::string> members_of(const fs::path& place) {
  if (!fs::is_directory(fs::symlink_status(place))) return {""};
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(place, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (entry->symlink_status(error).type() == fs::file_type::directory) continue;
    names.push_back(entry->path().lexically_relative(place).generic_string());
  }
  check_disk(error, "list", place);
  std::sort(names.begin(), names.end());
  return names;
}

// By whoever may read it.
void allow_to_execute(const fs::path& file) {
  std::error_code error;
  const auto readable = static_cast<unsigned>(fs::status(file, error).permissions()) & 0444U;
  fs::permissions(file, static_cast<fs::perms>(readable >> 2U), fs::perm_options::add, error);
  check_disk(error, "make executable", file);
}

}  // namespace

ArtifactPlace::ArtifactPlace(const Artifact& artifact)
    : uri_(artifact.uri), unpacks_(artifact.unpack) {
  const auto folder = make_node_folder();
  const auto dest = below_node_folder(artifact.dest);
  own_ = folder / ".sluice";
  path_ = folder / dest;
  note_ = own_ / fmt::format("{:016x}.artifact", checksum(dest.string()));
  AtomicFile::sweep(own_ / "partial");
  if (!is_there(path_) || is_there(note_)) return;
  throw UsageError(
      fmt::format("artifact '{}': '{}' is there, and no run has put it there; give another dest, "
                  "or remove it",
                  uri_, path_.string()));
}

// What was added since, such as Python's __pycache__, does no harm.
bool ArtifactPlace::holds(const std::string& key) const {
  std::ifstream note(note_, std::ios::binary);
  std::string line;
  if (!std::getline(note, line) || line != key) return false;
  bool any = false;
  while (std::getline(note, line, '\0') && line != "end") {
    const auto slash = line.find('/');
    if (slash == std::string::npos) return false;
    const auto name = line.substr(slash + 1);
    const auto member = name.empty() ? path_ : path_ / name;
    if (facts_of(member) != line.substr(0, slash)) return false;
    any = true;
  }
  return line == "end" && (any || is_there(path_));
}

void ArtifactPlace::begin(std::uint64_t size) {
  std::error_code error;
  const auto space = fs::space(own_.parent_path(), error);
  if (!error && space.available < size) {
    throw IoError(fmt::format(
        "artifact '{}': no room for its {} bytes in '{}', which has {} free; make room there, or "
        "set SLUICE_NODE_DIR to a folder on a larger disk",
        uri_, size, own_.parent_path().string(), space.available));
  }
  partial_.emplace(path_, own_ / "partial");
  file_ = Descriptor(
      ::open(partial_->temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file_.get() < 0) fail(errno);
  size_ = sum_ = 0;
}

void ArtifactPlace::write(std::string_view piece) {
  sum_ = checksum(piece, sum_);
  size_ += piece.size();
  while (!piece.empty()) {
    const auto count = ::write(file_.get(), piece.data(), piece.size());
    if (count < 0 && errno != EINTR) fail(errno);
    if (count > 0) piece.remove_prefix(static_cast<std::size_t>(count));
  }
}

void ArtifactPlace::finish(const std::string& key, std::uint64_t sum, SourceKind kind,
                           const std::function<void()>& each) {
  file_ = Descriptor();
  if (sum_ != sum) {
    throw IoError(
        fmt::format("artifact '{}': it arrived damaged: the checksum of what was sent is {:016x}, "
                    "and of what came {:016x}; look at the network and the memory of this node",
                    uri_, sum, sum_));
  }
  if (kind == SourceKind::folder || unpacks_) {
    const auto folder = unpack(each);
    try {
      settle(folder, key);
    } catch (...) {
      std::error_code ignored;
      fs::remove_all(folder, ignored);
      throw;
    }
  } else {
    if (kind == SourceKind::program) allow_to_execute(partial_->temporary());
    sync_to_disk(partial_->temporary());
    settle(partial_->temporary(), key);
  }
  partial_.reset();
}

fs::path ArtifactPlace::unpack(const std::function<void()>& each) {
  auto folder = partial_->temporary();
  folder += ".folder";
  try {
    make_folder(folder);
    unpack_archive(partial_->temporary(), folder, each);
    sync_file_system(folder);
  } catch (const Error& error) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    throw Error(error.code(), fmt::format("artifact '{}': {}", uri_, error.what()));
  }
  return folder;
}

// The note comes first: while it does not fit what is there, the place counts as empty, but as
// ours.
void ArtifactPlace::settle(const fs::path& from, const std::string& key) {
  AtomicFile note(note_, AtomicFile::Temporary::own);
  std::ofstream stream(note.temporary(), std::ios::binary);
  stream << key << '\n' << describe(from);
  stream.close();
  if (!stream) fail(errno);
  note.commit();
  replace(from, path_);
}

std::string ArtifactPlace::describe(const fs::path& place) const {
  std::string text;
  for (const auto& name : members_of(place)) {
    text += facts_of(name.empty() ? place : place / name) + '/' + name + '\0';
  }
  return text + "end" + '\0';
}

void ArtifactPlace::fail(int error) const {
  throw IoError(fmt::format(
      "artifact '{}': cannot write '{}' after {} bytes: {}; check its permissions and free space, "
      "or set SLUICE_NODE_DIR to another folder",
      uri_, path_.string(), size_, std::generic_category().message(error)));
}

}  // namespace sluice::store
