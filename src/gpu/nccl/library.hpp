#pragma once

#include <nccl.h>

namespace sluice::gpu::nccl {

/// NCCL's functions, from its library as it is when first asked for: it is large, and most runs do
/// without it.
struct Library {
  decltype(&ncclGetVersion) get_version = nullptr;
  decltype(&ncclGetErrorString) get_error_string = nullptr;
  decltype(&ncclGetUniqueId) get_unique_id = nullptr;
  decltype(&ncclCommInitRankConfig) comm_init_rank_config = nullptr;
  decltype(&ncclCommGetAsyncError) comm_get_async_error = nullptr;
  decltype(&ncclCommAbort) comm_abort = nullptr;
  decltype(&ncclGroupStart) group_start = nullptr;
  decltype(&ncclGroupEnd) group_end = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;
};

/// Null if it is not here.
const Library* library();

/// Throws Error if the call failed; a call that is under way has not.
void check(ncclResult_t result, const char* call);

}  // namespace sluice::gpu::nccl
