#include "control/device_path.hpp"

namespace sluice::control {
namespace {

bool possible(Path path, const End& producer, const End& consumer, const Means& means) {
  const bool apart = producer.process != consumer.process;
  const bool same_node = producer.node == consumer.node;
  const bool same_gpu = same_node && producer.gpu == consumer.gpu;
  switch (path) {
    case Path::direct:
      return !apart;
    case Path::ipc:
      return means.ipc && apart && same_node;
    // It refuses two ranks on one GPU.
    case Path::nccl:
      return means.nccl && apart && !same_gpu;
    case Path::host:
      return true;
  }
  return false;
}

}  // namespace

std::string_view name_of(Path path) {
  switch (path) {
    case Path::direct:
      return "direct";
    case Path::ipc:
      return "ipc";
    case Path::nccl:
      return "nccl";
    case Path::host:
      return "host";
  }
  return "";
}

Path choose_path(const End& producer, const End& consumer, const Means& means, Wish wish) {
  if (!producer.makes_device || !consumer.makes_device || wish == Wish::host) return Path::host;
  const auto can = [&](Path path) { return possible(path, producer, consumer, means); };
  if (can(Path::direct)) return Path::direct;
  if (wish == Wish::ipc) return can(Path::ipc) ? Path::ipc : Path::host;
  if (wish == Wish::nccl) return can(Path::nccl) ? Path::nccl : Path::host;
  // Within a node one copy over the link between the GPUs is all that either does, and IPC needs no
  // kernel for it.
  if (can(Path::ipc)) return Path::ipc;
  return can(Path::nccl) ? Path::nccl : Path::host;
}

}  // namespace sluice::control
