#pragma once

#include "observe/history.hpp"
#include "store/dead_letters.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace sluice::observe {

/// What there is to tell of a run.
struct RunStory {
  std::string state;                    ///< "finished", "running", "broken off"
  std::vector<Moment> moments;          ///< of all attempts, oldest first; at least one
  std::vector<store::DeadLetter> dead;  ///< as many as are to be shown
};

/// What the page shows: the last picture, its analysis, and how the numbers went over time, in
/// attempts. docs/observing.md says what stands where.
nlohmann::ordered_json report_json(const RunStory& story);
/// One HTML file that needs nothing else.
std::string report_page(const RunStory& story);

}  // namespace sluice::observe
