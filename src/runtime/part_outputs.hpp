#pragma once

#include "runtime/run_journal.hpp"

#include <sluice/pipeline.hpp>

#include <filesystem>
#include <vector>

namespace sluice::runtime {

/// Folders of a streaming run's parts, below its run directory.
struct PartFolders {
  std::filesystem::path run_dir;

  std::filesystem::path all() const { return run_dir / ".sluice" / "parts"; }
  std::filesystem::path of(const std::string& part) const { return all() / part; }
  /// Where relative output paths begin in a part, and where absolute ones do.
  std::filesystem::path relative(const std::string& part) const { return of(part) / "run"; }
  std::filesystem::path absolute(const std::string& part) const { return of(part) / "root"; }
};

/// Makes what is in the part survive a crash of the machine. Throws IoError.
void sync_part(const std::filesystem::path& part);

/// What is to become of the files of all parts of a run: a file that only one part has goes to its
/// place; files of several parts are merged, if the stage has one worker and can, or numbered.
std::vector<Output> plan_outputs(const std::vector<ErasedStage>& stages,
                                 const std::vector<Part>& parts, const PartFolders& folders);

/// Makes an output; does nothing if that is done already. `keep`: the parts stay as they are.
/// Throws IoError.
void make_output(const Output& output, const std::vector<ErasedStage>& stages,
                 const PartFolders& folders, bool keep);

}  // namespace sluice::runtime
