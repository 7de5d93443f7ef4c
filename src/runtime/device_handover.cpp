#include "runtime/device_handover.hpp"

#include "base/log.hpp"
#include "gpu/device.hpp"
#include "runtime/device_lane.hpp"

#include <utility>

namespace sluice::runtime {
namespace {

control::Wish wish_of(DevicePath path) {
  switch (path) {
    case DevicePath::host:
      return control::Wish::host;
    case DevicePath::ipc:
      return control::Wish::ipc;
    case DevicePath::nccl:
      return control::Wish::nccl;
    case DevicePath::automatic:
      break;
  }
  return control::Wish::automatic;
}

}  // namespace

void DeviceHandover::set(gpu::Device* device, bool next_on_device, DevicePath wish) {
  device_ = device;
  next_on_device_ = next_on_device;
  wish_ = wish;
  links_.set(device);
}

bool DeviceHandover::keeps() const {
  return device_ != nullptr && next_on_device_ && wish_ != DevicePath::host;
}

// Looked at only where it matters, as NCCL is loaded for it.
bool DeviceHandover::may_link_with(control::Rank to) const {
  const bool same_node = transport_.node_of(to) == transport_.node_of(transport_.rank());
  const bool matters = wish_ == DevicePath::nccl || !same_node || out_of_reach_.contains(to);
  return matters && !links_.is_refused_by(to) && gpu::has_links();
}

// Which GPU the other has is not known here: it refuses a link if that is the same.
control::Path DeviceHandover::path_to(control::Rank to) const {
  const auto node = [&](control::Rank rank) {
    return static_cast<std::uint64_t>(transport_.node_of(rank));
  };
  const control::End here{static_cast<std::uint64_t>(transport_.rank()), node(transport_.rank()), 0,
                          keeps()};
  const control::End there{static_cast<std::uint64_t>(to), node(to), 1, next_on_device_};
  const control::Means means{!out_of_reach_.contains(to), may_link_with(to)};
  return control::choose_path(here, there, means, wish_of(wish_));
}

Packet DeviceHandover::outgoing(control::Rank to, Data data) {
  if (!any_on_device(data.records)) return data;
  if (keeps() && !transport_.between_processes()) return data;
  if (auto packet = without_host(to, data)) {
    const bool linked = std::holds_alternative<OfferedData>(*packet);
    lent_[last_ticket_] = {to, linked, std::move(data)};
    return *std::move(packet);
  }
  data.records = bring_home(std::move(data.records));
  return data;
}

// With a ticket of its own, if it is possible.
std::optional<Packet> DeviceHandover::without_host(control::Rank to, const Data& data) {
  if (device_ == nullptr) return std::nullopt;
  if (path_to(to) == control::Path::ipc) {
    if (auto shared = share(data)) return shared;
    out_of_reach_.insert(to);
  }
  if (path_to(to) != control::Path::nccl || !links_.reach(to)) return std::nullopt;
  return links_.offer(to, ++last_ticket_, data);
}

// Nothing if one of the buffers cannot be shared.
std::optional<SharedData> DeviceHandover::share(const Data& data) {
  SharedData shared;
  std::vector<Buffer> left;
  for (const auto& buffer : data.records.buffers()) {
    const bool goes = buffer.memory() == Memory::device;
    try {
      shared.buffers.push_back({goes ? device_->share(buffer) : std::string(), buffer.size()});
    } catch (const Error& error) {
      rank_log().warn("cannot share GPU memory with other processes: {}", error.what());
      return std::nullopt;
    }
    if (goes && shared.buffers.back().where.empty()) return std::nullopt;
    left.push_back(goes ? Buffer() : buffer);
  }
  shared.ticket = ++last_ticket_;
  shared.data = {data.epoch, data.batch, data.total, with_buffers(data.records, std::move(left))};
  return shared;
}

std::optional<Data> DeviceHandover::incoming(SharedData shared) {
  const auto bytes = shared.data.records.buffers();
  std::vector<Buffer> buffers(bytes.begin(), bytes.end());
  bool fetched = device_ != nullptr && buffers.size() == shared.buffers.size();
  try {
    for (std::size_t i = 0; fetched && i < buffers.size(); ++i) {
      const auto& [where, size] = shared.buffers[i];
      if (!where.empty()) buffers[i] = device_->copy_shared(where, size);
    }
  } catch (const Error& error) {
    rank_log().warn("cannot read rank {}'s GPU memory, so it comes through the host's: {}",
                    shared.from, error.what());
    fetched = false;
  }
  transport_.send(pack(shared.from, Fetched{0, shared.ticket, fetched}));
  if (!fetched) return std::nullopt;
  shared.data.records = with_buffers(shared.data.records, std::move(buffers));
  return std::move(shared.data);
}

void DeviceHandover::on(const Fetched& answer) {
  const auto it = lent_.find(answer.ticket);
  if (it == lent_.end()) return;  // forgotten
  auto lent = std::move(it->second);
  lent_.erase(it);
  links_.on(answer);
  if (answer.fetched) return;
  if (!lent.linked) out_of_reach_.insert(lent.to);
  lent.data.records = bring_home(std::move(lent.data.records));
  transport_.send(pack(lent.to, std::move(lent.data)));
}

void DeviceHandover::forget(std::uint64_t epoch) {
  lent_.clear();
  links_.forget(epoch);
}

}  // namespace sluice::runtime
