#pragma once

#include <sluice/artifact.hpp>
#include <sluice/run.hpp>

#include <string>
#include <vector>

namespace sluice::runtime {

/// Those of all stages, each once.
std::vector<Artifact> artifacts_of(const ErasedSpec& spec);

/// Throws UsageError, naming the stage, if they make no sense or get in each other's way.
void validate_artifacts(const ErasedSpec& spec);

/// For the digest of a spec.
std::string artifacts_text(const StageSpec& stage);

/// In a run of one thread: puts all that are not there into this node's folder.
void place_artifacts_here(const ErasedSpec& spec);

}  // namespace sluice::runtime
