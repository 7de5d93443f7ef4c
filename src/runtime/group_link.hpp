#pragma once

#include "control/types.hpp"
#include "runtime/protocol.hpp"
#include "transport/transport.hpp"

#include <sluice/group.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// A rank's end of what the ranks of a group say to each other, from the order that makes it one of
/// the group to the one that ends that. All goes through the primary: it calls the others to do
/// what it does, and waits for each of them to end. For the worker's thread; what comes meanwhile
/// for the worker itself is kept for it.
class GroupLink final : public Group {
 public:
  /// `look` takes in what has come, while this rank is in user code; false if it was told something
  /// that ends all calls.
  GroupLink(transport::Transport& transport, const control::Assign& order,
            std::function<bool()> look);

  int rank() const noexcept override { return me_; }
  int size() const noexcept override { return static_cast<int>(ranks_.size()); }
  int local_rank() const noexcept override { return local_rank_; }
  int local_size() const noexcept override { return local_size_; }
  std::string master_address() const override { return address_; }
  int master_port() const override { return static_cast<int>(port_); }
  void check() override;
  void with_mpi(const std::function<void(void*)>& body) override;

  // What others of the group say.
  std::uint64_t term() const noexcept { return term_; }
  void on(GroupCall call);
  void on(GroupPart part);
  void on(GroupEnded end);

  /// For the primary: has all ranks begin with a call.
  void call(GroupCall::Kind kind, const EncodedBatch& batch);
  /// For the others: what the primary calls for next, if it does.
  std::optional<GroupCall> next_call();
  /// This rank's part of the call is over. The others hear of it.
  void end(GroupEnded end);
  /// For the primary: how the call ended on the other ranks.
  std::vector<GroupEnded> wait_for_others();
  /// An operation of this call has failed because of another rank.
  bool is_aborted() const noexcept { return aborted_; }

 protected:
  std::string through_primary(const std::string& what, std::string bytes,
                              const Combine& combine) override;

 private:
  using Step = std::pair<std::uint64_t, std::uint64_t>;  ///< call, and operation within it
  using Parts = std::map<std::uint32_t, GroupPart>;      ///< by rank

  bool is_primary() const noexcept { return me_ == 0; }
  void begin(const GroupCall& call);
  void look_now();
  template <class Done>
  void wait_until(Done done);
  void send_to_others(const Packet& packet);
  std::string gather(const Step& step, const std::string& what, std::string bytes,
                     const Combine& combine);
  void require_not_ended(const Step& step, const std::string& what);
  void require_none_failed();
  [[noreturn]] void abort(const std::string& why);

  transport::Transport& transport_;
  std::function<bool()> look_;
  std::uint64_t term_;
  std::vector<control::Rank> ranks_;
  int me_ = 0;
  int local_rank_ = 0;
  int local_size_ = 0;
  bool on_one_node_ = true;
  std::string address_;
  std::uint32_t port_ = 0;
  std::uint64_t call_ = 0;   ///< under way, or the last
  std::uint64_t setup_ = 0;  ///< the last call that was one
  std::uint64_t step_ = 0;   ///< operations in it, so far
  bool aborted_ = false;
  std::deque<GroupCall> calls_;
  std::map<Step, Parts> parts_;
  std::map<std::uint64_t, std::map<std::uint32_t, GroupEnded>> ended_;  ///< by call and rank
};

}  // namespace sluice::runtime
