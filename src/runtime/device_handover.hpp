#pragma once

#include "control/device_path.hpp"
#include "runtime/device_links.hpp"
#include "runtime/protocol.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace sluice::gpu {
class Device;
}

namespace sluice::runtime {

/// Payloads on a device on their way to the next stage's workers, by the path that each pair has
/// (control/device_path). Within a process they go by reference. To another process of the node it
/// sends where they lie; that one copies them to its own device and says so, and until then they
/// are kept. If it cannot, it says that, and gets them through host memory, this time and from then
/// on. Where that is not possible they go by a link (DeviceLinks), and are kept until they have
/// come. So what a dead rank held is let go, and what it had sent is asked for by nobody. For the
/// worker's thread; what is about links is also for the one that has the transport in its absence.
class DeviceHandover {
 public:
  explicit DeviceHandover(transport::Transport& transport)
      : transport_(transport), links_(transport) {}

  /// Before records go out: the worker's device, if it has one; and whether the next stage wants
  /// its inputs on a device.
  void set(gpu::Device* device, bool next_on_device, DevicePath wish);

  /// Whether outputs may wait on the device for their consumer.
  bool keeps() const;
  /// What to send to the rank.
  Packet outgoing(control::Rank to, Data data);
  /// What came, if it could be copied; if not, it comes again.
  std::optional<Data> incoming(SharedData shared);
  void on(const Fetched& answer);

  DeviceLinks& links() { return links_; }
  const DeviceLinks& links() const { return links_; }

  /// Nobody wants what is under way any more; a new epoch begins.
  void forget(std::uint64_t epoch);

  std::size_t lent() const { return lent_.size(); }

 private:
  control::Path path_to(control::Rank to) const;
  bool may_link_with(control::Rank to) const;
  std::optional<Packet> without_host(control::Rank to, const Data& data);
  std::optional<SharedData> share(const Data& data);

  struct Lent {
    control::Rank to = 0;
    bool linked = false;  ///< it goes by a link
    Data data;            ///< as it was before it was shared or offered
  };

  transport::Transport& transport_;
  DeviceLinks links_;
  gpu::Device* device_ = nullptr;
  bool next_on_device_ = false;
  DevicePath wish_ = DevicePath::automatic;
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, Lent> lent_;  ///< by ticket
  std::set<control::Rank> out_of_reach_;
};

}  // namespace sluice::runtime
