#pragma once

#include <ostream>
#include <vector>

#include "transport/delivery_cases.hpp"
#include "transport/waiting_cases.hpp"

namespace sluice::transport::conformance {

/// What holds for every transport. Every rank runs the case with its own end of a fresh world.
struct Case {
  const char* name;
  void (*run)(Transport& world);

  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
};

#define SLUICE_CASE(name) \
  Case { #name, &name }
inline std::vector<Case> cases() {
  return {
      SLUICE_CASE(keeps_order_with_mixed_sizes),
      SLUICE_CASE(random_traffic_arrives_exactly_once),
      SLUICE_CASE(buffers_are_held_until_they_have_left),
      SLUICE_CASE(empty_messages_and_empty_buffers_arrive),
      SLUICE_CASE(many_small_messages_may_be_in_flight),
      SLUICE_CASE(large_messages_both_ways_at_once_do_not_deadlock),
      SLUICE_CASE(a_rank_sends_to_itself),
      SLUICE_CASE(flush_says_when_all_has_left),
      SLUICE_CASE(nodes_are_numbered_from_0),
      SLUICE_CASE(wait_returns_within_its_longest),
      SLUICE_CASE(wait_sleeps_while_nothing_happens),
      SLUICE_CASE(notify_from_another_thread_ends_wait),
      SLUICE_CASE(notify_before_wait_ends_it_at_once),
      SLUICE_CASE(a_message_to_itself_ends_wait_at_once),
      SLUICE_CASE(a_large_message_reaches_a_sleeping_rank),
      SLUICE_CASE(a_large_message_reaches_an_absent_rank),
      SLUICE_CASE(a_large_message_passes_between_absent_ranks),
      SLUICE_CASE(an_absent_rank_gives_signs_of_life),
      SLUICE_CASE(an_absent_rank_is_looked_after),
      SLUICE_CASE(short_absences_lose_nothing),
      SLUICE_CASE(a_message_wakes_a_sleeping_rank),
      SLUICE_CASE(sleeping_ranks_use_little_cpu),
  };
}
#undef SLUICE_CASE

}  // namespace sluice::transport::conformance
