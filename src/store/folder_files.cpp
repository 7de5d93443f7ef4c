#include "store/atomic_file.hpp"
#include "store/file_store.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view draft_suffix = ".partial";

class FolderDraft final : public FileDraft {
 public:
  explicit FolderDraft(const fs::path& path) : file_(path, AtomicFile::Temporary::own) {}
  const fs::path& path() const override { return file_.temporary(); }
  void publish() override { file_.commit(); }

 private:
  AtomicFile file_;
};

class FolderFile final : public LocalFile {
 public:
  explicit FolderFile(fs::path path) : path_(std::move(path)) {}
  const fs::path& path() const override { return path_; }

 private:
  fs::path path_;
};

template <class E>
[[noreturn]] void fail(std::string_view doing, const fs::path& path, const std::error_code& error) {
  throw E(fmt::format("cannot {} '{}': {}", doing, path.string(), error.message()));
}

std::string read_all(std::ifstream& stream) {
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

class FolderFiles final : public FileStore {
 public:
  explicit FolderFiles(fs::path folder) : folder_(std::move(folder)) {}

  std::unique_ptr<FileDraft> draft(const std::string& name) override {
    return std::make_unique<FolderDraft>(folder_ / name);
  }

  void write(const std::string& name, const std::string& text) override {
    FolderDraft file(folder_ / name);
    errno = 0;
    std::ofstream stream(file.path(), std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) {
      throw IoError(
          fmt::format("cannot write {}: {}; check the folder's permissions and free space",
                      shown(name), std::generic_category().message(errno)));
    }
    file.publish();
  }

  std::optional<std::string> read(const std::string& name) override {
    const auto path = folder_ / name;
    std::error_code error;
    if (!fs::exists(path, error) && !error) return std::nullopt;
    std::ifstream stream(path, std::ios::binary);
    auto text = read_all(stream);
    if (stream.bad() || !stream.is_open()) throw InputError("cannot read " + shown(name));
    return text;
  }

  std::vector<std::string> heads(const std::vector<std::string>& names,
                                 std::size_t bytes) override {
    std::vector<std::string> heads;
    for (const auto& name : names) {
      std::ifstream stream(folder_ / name, std::ios::binary);
      if (!stream) throw InputError("cannot read " + shown(name));
      auto& head = heads.emplace_back(bytes, '\0');
      stream.read(head.data(), static_cast<std::streamsize>(bytes));
      head.resize(static_cast<std::size_t>(stream.gcount()));
    }
    return heads;
  }

  std::unique_ptr<LocalFile> open(const std::string& name) override {
    return std::make_unique<FolderFile>(folder_ / name);
  }

  bool fetches() const noexcept override { return false; }

  std::vector<std::string> list(const std::string& folder) override {
    auto names = all_in(folder);
    std::erase_if(names, [](const std::string& name) { return name.ends_with(draft_suffix); });
    return names;
  }

  void remove(const std::vector<std::string>& names) override {
    for (const auto& name : names) {
      std::error_code error;
      fs::remove(folder_ / name, error);
      if (error) fail<IoError>("remove", folder_ / name, error);
    }
  }

  void remove_folder(const std::string& folder) override {
    std::error_code error;
    fs::remove_all(folder_ / folder, error);
    if (error) fail<IoError>("remove", folder_ / folder, error);
  }

  void remove_drafts(const std::string& folder) override {
    for (const auto& name : all_in(folder)) {
      if (name.ends_with(draft_suffix)) remove({fmt::format("{}/{}", folder, name)});
    }
  }

  std::string shown(const std::string& name) const override {
    return fmt::format("'{}'", (folder_ / name).string());
  }

 private:
  std::vector<std::string> all_in(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code error;
    const auto path = folder_ / folder;
    if (!fs::exists(path, error) && !error) return names;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) fail<InputError>("list the folder", path, error);
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_;
};

}  // namespace

std::unique_ptr<FileStore> folder_files(std::filesystem::path folder) {
  return std::make_unique<FolderFiles>(std::move(folder));
}

}  // namespace sluice::store
