#include "store/object_files.hpp"

#include "store/atomic_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::store {
namespace {

/// A temporary on this machine, which AtomicFile names and removes, for it is never committed.
class Scratch {
 public:
  Scratch(const std::filesystem::path& folder, std::string name)
      : file_(folder / (std::replace(name.begin(), name.end(), '/', '_'), name),
              AtomicFile::Temporary::own) {}
  const std::filesystem::path& path() const noexcept { return file_.temporary(); }

 private:
  AtomicFile file_;
};

class ObjectDraft final : public FileDraft {
 public:
  ObjectDraft(ObjectStore& objects, ObjectName name, const std::filesystem::path& scratch)
      : objects_(objects), name_(std::move(name)), file_(scratch, name_.key) {}
  const std::filesystem::path& path() const override { return file_.path(); }
  void publish() override { objects_.upload(name_, file_.path()); }

 private:
  ObjectStore& objects_;
  ObjectName name_;
  Scratch file_;
};

class ObjectCopy final : public LocalFile {
 public:
  ObjectCopy(ObjectStore& objects, const ObjectName& name, const std::filesystem::path& scratch)
      : file_(scratch, name.key) {
    objects.download(name, file_.path());
  }
  const std::filesystem::path& path() const override { return file_.path(); }

 private:
  Scratch file_;
};

class ObjectFiles final : public FileStore {
 public:
  ObjectFiles(std::unique_ptr<ObjectStore> objects, ObjectName prefix,
              std::filesystem::path scratch)
      : objects_(std::move(objects)), prefix_(std::move(prefix)), scratch_(std::move(scratch)) {
    if (!prefix_.key.empty() && !prefix_.key.ends_with('/')) prefix_.key += '/';
  }

  std::unique_ptr<FileDraft> draft(const std::string& name) override {
    return std::make_unique<ObjectDraft>(*objects_, object(name), scratch_);
  }
  void write(const std::string& name, const std::string& text) override {
    objects_->put(object(name), text);
  }

  std::optional<std::string> read(const std::string& name) override {
    const std::vector<ObjectName> names{object(name)};
    const auto found = objects_->fetch(names).front();
    if (found.missing) return std::nullopt;
    if (!found.fault.empty()) throw InputError(found.fault);
    return std::string(found.bytes.view());
  }

  std::vector<std::string> heads(const std::vector<std::string>& names,
                                 std::size_t bytes) override {
    std::vector<std::string> heads;
    for (const auto& found : objects_->fetch(objects_of(names), bytes)) {
      if (!found.fault.empty()) throw InputError(found.fault);
      heads.emplace_back(found.bytes.view());
    }
    return heads;
  }

  std::unique_ptr<LocalFile> open(const std::string& name) override {
    return std::make_unique<ObjectCopy>(*objects_, object(name), scratch_);
  }

  bool fetches() const noexcept override { return true; }

  std::vector<std::string> list(const std::string& folder) override {
    const auto prefix = object(folder + "/");
    std::vector<std::string> names;
    for (const auto& found : objects_->list(prefix)) {
      names.push_back(found.key.substr(prefix.key.size()));
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void remove(const std::vector<std::string>& names) override {
    objects_->remove(objects_of(names));
  }
  void remove_folder(const std::string& folder) override {
    auto names = list(folder);
    for (auto& name : names) name = fmt::format("{}/{}", folder, name);
    remove(names);
  }
  // Parts of an upload that was not completed are no object; only the bucket's owner sees them.
  void remove_drafts(const std::string&) override {}

  std::string shown(const std::string& name) const override {
    return fmt::format("'{}'", s3_uri(object(name)));
  }

 private:
  ObjectName object(const std::string& name) const { return {prefix_.bucket, prefix_.key + name}; }
  std::vector<ObjectName> objects_of(const std::vector<std::string>& names) const {
    std::vector<ObjectName> objects;
    objects.reserve(names.size());
    for (const auto& name : names) objects.push_back(object(name));
    return objects;
  }

  std::unique_ptr<ObjectStore> objects_;
  ObjectName prefix_;
  std::filesystem::path scratch_;
};

}  // namespace

std::unique_ptr<FileStore> object_files(std::unique_ptr<ObjectStore> objects, ObjectName prefix,
                                        std::filesystem::path scratch) {
  return std::make_unique<ObjectFiles>(std::move(objects), std::move(prefix), std::move(scratch));
}

std::unique_ptr<FileStore> open_file_store(const std::string& uri,
                                           const std::filesystem::path& scratch) {
  if (!is_s3_uri(uri)) return folder_files(uri);
  return object_files(s3_client(find_s3_config()), parse_s3_uri(uri), scratch);
}

}  // namespace sluice::store
