#pragma once

#include "job/build.hpp"
#include "runtime/simulation.hpp"

#include <string>
#include <vector>

namespace sluice::job {

/// The job as a simulation, all but its topology and what disturbs it: `synthetic` stages take the
/// times that their settings say, other stages those of their `speed`. Reads the input to count it.
/// Throws UsageError for a stage whose times are not known.
runtime::Simulation build_simulation(const JobFile& job, const std::vector<JobStage>& stages);

/// "STAGE:AT:FACTOR", such as "ocr:1min:4": from one minute on, ocr takes four times as long.
runtime::SlowDown parse_slow_down(const std::string& text, const std::vector<JobStage>& stages);

/// "RANK:FACTOR", such as "17:10": rank 17 takes ten times as long as others.
std::pair<int, double> parse_slow_rank(const std::string& text);

}  // namespace sluice::job
