#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>

namespace sluice::observe {

/// Writes what the ranks of a run have traced as one file in the format of Chrome's trace viewer,
/// which Perfetto reads (docs/observing.md). Some 100 bytes for each of so many batches' names are
/// in memory at a time; of more, the files are read the more often. Throws InputError if the run
/// has no trace. https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
void write_trace(const std::filesystem::path& run_dir, std::ostream& out,
                 std::size_t most_names = 1'000'000);

}  // namespace sluice::observe
