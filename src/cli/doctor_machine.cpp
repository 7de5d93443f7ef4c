#include "base/capture.hpp"
#include "cli/doctor.hpp"
#include "gpu/platform.hpp"
#include "runtime/gpus.hpp"

#include <sluice/error.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

std::string gibibytes(double bytes) { return fmt::format("{:.3g} GiB", bytes / 0x1p30); }

/// A file that is gone when this is.
class ProbeFile {
 public:
  explicit ProbeFile(const fs::path& folder)
      : path_((folder / ".sluice-doctor-XXXXXX").string()), file_(::mkstemp(path_.data())) {}
  ~ProbeFile() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(path_.c_str());
  }
  ProbeFile(const ProbeFile&) = delete;
  ProbeFile& operator=(const ProbeFile&) = delete;

  int descriptor() const { return file_; }

 private:
  std::string path_;
  int file_;
};

Finding examine_locks(int file) {
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return {Health::fine, "its file system has locks", ""};
  return {Health::note,
          fmt::format("its file system has no locks ({}), which HDF5 asks for when it opens a file",
                      std::strerror(errno)),
          "export HDF5_USE_FILE_LOCKING=FALSE; on Lustre, mount with -o flock"};
}

Finding examine_room(const fs::path& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) {
    return {Health::note,
            fmt::format("how much room it has is not known: {}", std::strerror(errno)),
            "look with df"};
  }
  const auto free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  constexpr double little = 0x1p30;
  if (free >= little) return {Health::fine, "it has room for " + gibibytes(free), ""};
  return {Health::note, "it has room for only " + gibibytes(free),
          "choose another with --run-dir, or make room"};
}

Finding examine_shared_memory() {
  struct statvfs info {};
  const bool there = ::statvfs("/dev/shm", &info) == 0;
  const auto size = static_cast<double>(info.f_blocks) * static_cast<double>(info.f_frsize);
  constexpr double little = 0x1p28;
  if (there && size >= little) {
    return {Health::fine, "/dev/shm, through which ranks of a node talk, has " + gibibytes(size),
            ""};
  }
  return {there ? Health::note : Health::broken,
          there ? "/dev/shm, through which ranks of a node talk, has only " + gibibytes(size)
                : std::string("there is no /dev/shm, through which ranks of a node talk"),
          "in a container: docker run --shm-size=4g, or --ipc=host"};
}

Finding examine_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t enough = 1024;
  if (limit.rlim_cur >= enough) {
    return {Health::fine, fmt::format("a process may open {} files", limit.rlim_cur), ""};
  }
  return {Health::note, fmt::format("a process may open only {} files", limit.rlim_cur),
          "ulimit -n 4096, in the batch script, too"};
}

Finding examine_cores_dumped() {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  if (limit.rlim_cur == 0) {
    return {Health::fine, "a rank that crashes leaves no core dump (ulimit -c unlimited for one)",
            ""};
  }
  std::string pattern;
  std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
  return {Health::note, fmt::format("a rank that crashes leaves a core dump, as '{}'", pattern),
          "ulimit -c 0 if many large ones would fill the disk"};
}

Finding examine_locked_memory() {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const bool infiniband = fs::exists("/sys/class/infiniband");
  if (!infiniband || limit.rlim_cur == RLIM_INFINITY) {
    return {
        Health::fine,
        infiniband ? "InfiniBand may lock as much memory as it wants" : "there is no InfiniBand",
        ""};
  }
  return {Health::note, fmt::format("InfiniBand may lock only {} bytes of memory", limit.rlim_cur),
          "ulimit -l unlimited; under Slurm PropagateResourceLimitsExcept=MEMLOCK"};
}

}  // namespace

namespace {

// The first use of a GPU takes its time, and memory on it until this process ends.
Findings examine_health() {
  if (gpu::device_count() == 0) {
    return {{Health::note, "sluice cannot use GPUs in this process: " + gpu::why_no_device(),
             "stages with a process of their own may; others work in host memory"}};
  }
  Findings findings;
  for (int i = 0; i < gpu::device_count(); ++i) {
    try {
      auto& device = gpu::device(i);
      device.check_health();
      const auto& info = device.info();
      findings.push_back(
          {Health::fine,
           fmt::format("GPU {} ({}, {}) computes what it should", i, info.name, info.uuid), ""});
    } catch (const Error& error) {
      findings.push_back({Health::broken, error.what(), "leave it out, or have it looked after"});
    }
  }
  return findings;
}

}  // namespace

Findings examine_gpus() {
  const auto count = runtime::visible_gpus().size();
  if (count == 0) {
    const auto* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return {{Health::fine,
             visible == nullptr ? std::string("there are none")
                                : fmt::format("none: CUDA_VISIBLE_DEVICES is '{}'", visible),
             ""}};
  }
  Findings findings{{Health::fine, fmt::format("this process may use {}", count), ""}};
  const auto smi = capture({"nvidia-smi", "-L"});
  if (!smi || smi->code != 0) {
    findings.push_back({Health::note, "the driver does not answer (nvidia-smi -L)",
                        "load the driver's module; in a container pass the GPUs in, such as "
                        "docker run --gpus all"});
  }
  if (void* nccl = ::dlopen("libnccl.so.2", RTLD_LAZY | RTLD_LOCAL)) {
    ::dlclose(nccl);
    findings.push_back({Health::fine, "NCCL is there", ""});
  } else {
    findings.push_back({Health::note,
                        "NCCL is not there: payloads go between nodes' GPUs through host memory",
                        "install libnccl2, or load its module"});
  }
  const auto health = examine_health();
  findings.insert(findings.end(), health.begin(), health.end());
  return findings;
}

Findings examine_folder(const fs::path& folder) {
  const ProbeFile probe(folder);
  if (probe.descriptor() < 0) {
    return {
        {Health::broken,
         fmt::format("nothing can be written in '{}': {}", folder.string(), std::strerror(errno)),
         "choose another folder for run directories, with --run-dir"}};
  }
  return {{Health::fine, fmt::format("'{}' can be written in", folder.string()), ""},
          examine_locks(probe.descriptor()),
          examine_room(folder)};
}

Findings examine_limits() {
  return {examine_shared_memory(), examine_open_files(), examine_cores_dumped(),
          examine_locked_memory()};
}

}  // namespace sluice::cli
