#pragma once

#include "control/autoscaler.hpp"
#include "control/run_control.hpp"
#include "runtime/input_feed.hpp"
#include "runtime/protocol.hpp"
#include "runtime/record_store.hpp"
#include "runtime/run_topology.hpp"
#include "runtime/seats.hpp"
#include "runtime/status_board.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::runtime {

/// Rank 0: carries out what RunControl decides, feeds the input in, collects outputs, and shows
/// progress. `run` is the rank's communication thread and owns everything here.
class Coordinator {
 public:
  explicit Coordinator(transport::Transport& transport) : transport_(transport) {}

  /// Runs to the end; on any failure tells all ranks to stop and throws the cause.
  RunStatus run(const std::function<ErasedSpec()>& build);

  /// After `run` has thrown: whether every rank has stopped, `longest` later at most.
  bool all_stopped_within(std::chrono::nanoseconds longest);

 private:
  void run_stages();
  void greet();
  void plan();
  void turn();
  bool receive_all();
  void end_run(const End& end);

  void on(Hello hello, control::Rank from);
  void on(Report report, control::Rank from);
  void on(Failure failure, control::Rank from);
  void on(Data part, control::Rank from);
  void on(Orders, control::Rank) {}
  void on(Bind, control::Rank) {}
  void on(End, control::Rank) {}
  void on(Bye, control::Rank) {}

  void decide(const control::Event& event);
  void autoscale();
  control::Time next_wake() const;
  void carry_out(const control::Command& command);
  void seat(const control::Assign& order);
  void admit(const control::Grant& grant);
  void collect_outputs();
  void send_orders();
  void send(control::Rank to, Packet packet);
  RunStatus status(bool finished) const;
  void show_status(bool finished);
  control::Time now() const;

  transport::Transport& transport_;
  ErasedSpec spec_;
  std::string text_;
  int greeted_ = 0;
  RunTopology topology_;
  Seats seats_;
  int stopped_ = 0;  ///< ranks that have said Bye
  std::optional<InputFeed> input_;
  std::optional<control::RunControl> control_;
  std::optional<control::Autoscaler> autoscaler_;  ///< unless it is switched off
  std::vector<Replan> replans_;
  std::optional<StatusBoard> board_;
  RecordStore collected_{collecting_slots};
  std::map<control::Rank, Orders> orders_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  control::Time next_status_{0};
  std::uint64_t control_messages_ = 0;

  static constexpr std::uint64_t collecting_slots = control::RunControl::collecting.slots;
};

}  // namespace sluice::runtime
