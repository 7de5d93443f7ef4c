#include "gpu/nccl/library.hpp"

#include <sluice/error.hpp>

#include <dlfcn.h>

#include <optional>
#include <string>

namespace sluice::gpu::nccl {
namespace {

std::optional<Library> load() {
  void* handle = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return std::nullopt;
  Library found;
  bool complete = true;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle, name));
    complete = complete && function != nullptr;
  };
  find("ncclGetVersion", found.get_version);
  find("ncclGetErrorString", found.get_error_string);
  find("ncclGetUniqueId", found.get_unique_id);
  find("ncclCommInitRankConfig", found.comm_init_rank_config);
  find("ncclCommGetAsyncError", found.comm_get_async_error);
  find("ncclCommAbort", found.comm_abort);
  find("ncclGroupStart", found.group_start);
  find("ncclGroupEnd", found.group_end);
  find("ncclSend", found.send);
  find("ncclRecv", found.receive);
  if (!complete) return std::nullopt;
  return found;
}

}  // namespace

const Library* library() {
  static const auto loaded = load();
  return loaded ? &*loaded : nullptr;
}

void check(ncclResult_t result, const char* call) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  throw Error(ExitCode::stage, std::string(call) + ": " + library()->get_error_string(result));
}

}  // namespace sluice::gpu::nccl
