#include "store/atomic_file.hpp"

#include "store/disk.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::store {
namespace {

std::string host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// Ranks on other nodes may have the same process id.
std::string unique_suffix() {
  static std::atomic<unsigned> files{0};
  return fmt::format(".{}-{}-{}", host(), ::getpid(), files++);
}

// Of a temporary on this host.
std::optional<pid_t> writer_of(const std::string& name) {
  const auto mark = fmt::format(".{}-", host());
  const auto at = name.rfind(mark);
  if (at == std::string::npos) return std::nullopt;
  const auto pid = std::strtol(name.c_str() + at + mark.size(), nullptr, 10);
  return pid > 0 ? std::optional(static_cast<pid_t>(pid)) : std::nullopt;
}

// Or dead, and waits for its parent to ask about it, as a killed rank may for seconds.
bool is_gone(pid_t process) {
  if (::kill(process, 0) != 0 && errno == ESRCH) return true;
  std::ifstream facts(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(facts, line);
  const auto name_end = line.rfind(") ");
  return name_end != std::string::npos && line.compare(name_end, 3, ") Z") == 0;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path, Temporary temporary)
    : path_(std::move(path)), temporary_(path_) {
  if (temporary == Temporary::own) temporary_ += unique_suffix();
  temporary_ += ".partial";
  make_folder(folder_of(path_));
}

AtomicFile::AtomicFile(std::filesystem::path path, const std::filesystem::path& scratch)
    : path_(std::move(path)), temporary_(scratch / path_.filename()) {
  temporary_ += unique_suffix();
  temporary_ += ".partial";
  make_folder(folder_of(path_));
  make_folder(scratch);
}

void AtomicFile::sweep(const std::filesystem::path& scratch) {
  std::error_code error;
  std::vector<std::filesystem::path> stale;
  for (std::filesystem::directory_iterator entry(scratch, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto writer = writer_of(entry->path().filename().string());
    if (writer && is_gone(*writer)) stale.push_back(entry->path());
  }
  for (const auto& file : stale) std::filesystem::remove_all(file, error);
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  sync_to_disk(temporary_);
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  check_disk(error, "rename the finished file to", path_);
  committed_ = true;
  sync_to_disk(folder_of(path_));
}

}  // namespace sluice::store
