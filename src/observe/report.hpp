#pragma once

#include "observe/history.hpp"
#include "store/dead_letters.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::observe {

/// What there is to tell of a run.
struct RunStory {
  std::string state;                    ///< "finished", "running", "broken off"
  std::vector<Moment> moments;          ///< of all attempts, oldest first; at least one
  std::vector<store::DeadLetter> dead;  ///< as many as are to be shown
  std::size_t left_out = 0;             ///< damaged lines of its history
};

/// Of the run directory, but for the state. Throws InputError if it has no pictures of a run.
RunStory read_story(const std::filesystem::path& run_dir);
/// The first of its dead letters; a line that is none, a torn last one say, is left out.
std::vector<store::DeadLetter> first_dead_letters(const std::filesystem::path& run_dir);

/// What the page shows: the last picture, its analysis, and how the numbers went over time, in
/// attempts. docs/observing.md says what stands where.
nlohmann::ordered_json report_json(const RunStory& story);
/// One HTML file that needs nothing else.
std::string report_page(const RunStory& story);
/// The same, kept up to date by what is at "data.json" beside it.
std::string live_report_page(const RunStory& story);

}  // namespace sluice::observe
