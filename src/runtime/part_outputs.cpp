#include "runtime/part_outputs.hpp"

#include "base/fault_point.hpp"
#include "store/atomic_file.hpp"
#include "store/disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

namespace sluice::runtime {
namespace {

namespace fs = std::filesystem;

// The parts that count: those with records or, if no part of the stage has any, the first.
std::vector<Part> worth_keeping(const std::vector<Part>& parts, std::uint64_t stage) {
  std::vector<Part> own;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(own),
               [&](const Part& part) { return part.stage == stage; });
  const auto full = std::find_if(own.begin(), own.end(), [](const Part& p) { return p.records; });
  if (full == own.end()) {
    own.resize(std::min<std::size_t>(own.size(), 1));
  } else {
    std::erase_if(own, [](const Part& part) { return part.records == 0; });
  }
  return own;
}

fs::path numbered(fs::path path, std::size_t number) {
  return path.replace_extension(fmt::format(".{}{}", number, path.extension().string()));
}

using FilesOfTarget = std::map<fs::path, std::vector<std::string>>;

FilesOfTarget files_by_target(const std::vector<Part>& parts, const PartFolders& folders) {
  FilesOfTarget found;
  for (const auto& part : parts) {
    const auto add = [&](const fs::path& from, const fs::path& to) {
      for (const auto& file : store::files_below(from)) {
        found[to / file.lexically_relative(from)].push_back(
            file.lexically_relative(folders.all()).string());
      }
    };
    add(folders.relative(part.folder), "");
    add(folders.absolute(part.folder), "/");
  }
  return found;
}

void move_or_copy(const fs::path& from, const fs::path& to, bool keep) {
  std::error_code error;
  store::AtomicFile target(to, store::AtomicFile::Temporary::own);
  if (!keep) {
    fs::rename(from, to, error);
    if (!error) return store::sync_to_disk(store::folder_of(to));
  }
  fs::copy_file(from, target.temporary(), fs::copy_options::overwrite_existing, error);
  store::check_disk(error, "write", to);
  target.commit();
  if (!keep) fs::remove(from, error);
}

}  // namespace

void sync_part(const fs::path& part) {
  std::error_code error;
  for (const auto& file : store::files_below(part)) store::sync_to_disk(file);
  fs::recursive_directory_iterator entry(part, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory()) store::sync_to_disk(entry->path());
  }
  store::check_disk(error, "list", part);
  store::sync_to_disk(part);
  store::sync_to_disk(part.parent_path());
}

std::vector<Output> plan_outputs(const std::vector<ErasedStage>& stages,
                                 const std::vector<Part>& parts, const PartFolders& folders) {
  std::vector<Output> outputs;
  for (std::uint64_t k = 0; k < stages.size(); ++k) {
    const auto own = worth_keeping(parts, k);
    const bool merges = stages[k].merge != nullptr && stages[k].spec.workers == 1U;
    for (auto& [target, files] : files_by_target(own, folders)) {
      if (files.size() == 1 || merges) {
        outputs.push_back({std::move(files), target.string(), k});
        continue;
      }
      for (std::size_t i = 0; i < files.size(); ++i) {
        outputs.push_back({{files[i]}, numbered(target, i).string(), k});
      }
    }
  }
  return outputs;
}

void make_output(const Output& output, const std::vector<ErasedStage>& stages,
                 const PartFolders& folders, bool keep) {
  std::error_code missing;
  std::vector<fs::path> files;
  for (const auto& part : output.parts) files.push_back(folders.all() / part);
  fault_point("output.before");
  if (files.size() > 1) {
    stages.at(output.merged_by).merge(files, folders.run_dir / output.target);
  } else if (fs::exists(files.front(), missing)) {
    move_or_copy(files.front(), folders.run_dir / output.target, keep);
  }
  fault_point("output.after");
}

}  // namespace sluice::runtime
