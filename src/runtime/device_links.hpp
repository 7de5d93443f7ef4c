#pragma once

#include "control/exchange.hpp"
#include "gpu/link.hpp"
#include "runtime/protocol.hpp"
#include "transport/transport.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// Payloads on their way between this worker's GPU and those of other processes over links
/// (gpu/link.hpp): one link for each pair of a producer and a consumer, opened by the producer when
/// it first has something for the other, and used once both ends are ready. In which order
/// transfers are launched control/exchange decides. Nothing here waits.
///
/// Every offer is answered once, by whether the bytes have come, whatever happens to the link; only
/// the dead do not answer. So the producer keeps what it offers until then (DeviceHandover).
///
/// Used by one thread at a time: the worker's, or the one that has the transport in its absence.
class DeviceLinks {
 public:
  explicit DeviceLinks(transport::Transport& transport) : transport_(transport) {}

  /// For the calling thread's worker: what follows is about this device. Links of another are
  /// given up.
  void set(gpu::Device* device);

  /// Whether there is a link to the rank; begins to open one if there may be one.
  bool reach(control::Rank to);
  bool is_refused_by(control::Rank to) const { return refused_.contains(to); }
  /// To be sent to a rank that has been reached. The data's buffers are kept until they have left.
  OfferedData offer(control::Rank to, std::uint64_t ticket, const Data& data);

  void on(const LinkOffer& offer);
  void on(const LinkState& state);
  void on(OfferedData offered);
  void on(const Cleared& word);
  /// The receiver does not want it, or has it all.
  void on(const Fetched& answer);

  /// Moves everything along.
  void step();
  /// For how long that can be left alone, if no word comes.
  std::chrono::nanoseconds pause() const;
  /// Data whose bytes are here.
  std::vector<Data> take_arrived() { return std::exchange(arrived_, {}); }
  /// What people should know: not at once, for what fails may be a sign of a death.
  std::vector<std::string> take_remarks();

  /// The rank is dead.
  void lost(control::Rank rank);
  /// Nobody wants what is under way any more; a new epoch begins.
  void forget(std::uint64_t epoch);

  std::size_t open() const { return outgoing_.size() + incoming_.size(); }
  bool idle() const { return exchange_.idle(); }

 private:
  using Rank = control::Rank;
  using State = LinkState::State;
  using Clock = std::chrono::steady_clock;

  struct End {
    std::uint64_t number = 0;
    gpu::Device* device = nullptr;
    std::unique_ptr<gpu::Link> link;
    bool ready = false;       ///< this end
    bool peer_ready = false;  ///< of an outgoing one: the other end
    Clock::time_point until;  ///< of an outgoing one: by then both ends must be
  };
  struct ToSend {
    Rank to = 0;
    std::vector<Buffer> buffers;
  };
  struct Remark {
    Rank peer = 0;
    Clock::time_point due;
    std::string text;
  };
  using Ends = std::map<Rank, End>;
  using Key = std::pair<Rank, std::uint64_t>;

  bool may_link_with(const LinkOffer& offer) const;
  void open_to(Rank to);
  static std::vector<Rank> opening(const Ends& ends);
  void look_after_opening();
  bool step_transfers();
  void obey(const control::Exchange::Commands& commands);
  void obey(const control::Exchange::Offer&) {}
  void obey(const control::Exchange::Receive& order);
  void obey(const control::Exchange::Send& order);
  void obey(const control::Exchange::Abandon& order);
  void received();
  void answer(Rank to, std::uint64_t ticket, bool fetched);
  void close_outgoing(Rank to, State why, bool tell);
  void close_incoming(Rank from, State why, bool tell);
  template <class Body>
  void guarded(Rank peer, bool outgoing, Body body);
  void trouble(Rank peer, bool outgoing, const std::string& what);

  transport::Transport& transport_;
  gpu::Device* device_ = nullptr;
  void* stream_ = nullptr;  ///< the worker's
  std::uint64_t epoch_ = 0;
  std::uint64_t last_link_ = 0;
  control::Exchange exchange_;
  Ends outgoing_;
  Ends incoming_;
  std::set<Rank> refused_;
  std::map<std::uint64_t, ToSend> to_send_;  ///< by ticket
  std::map<Key, OfferedData> to_come_;       ///< by sender and ticket
  std::optional<Key> sending_;               ///< as launched
  std::optional<Key> receiving_;
  std::vector<Buffer> received_;  ///< of what is being received: all the buffers of the records
  std::vector<Data> arrived_;
  std::vector<Remark> remarks_;
};

}  // namespace sluice::runtime
