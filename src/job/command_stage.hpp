#pragma once

#include "job/build.hpp"

namespace sluice::job {

/// What the model says, put into a spec that the stage's own keys are yet to be put into.
void apply_model(const Model& model, StageSpec& spec);

/// A stage that a process does; `spec` is complete.
JobStage command_stage(const StageEntry& entry, const StageSpec& spec);

}  // namespace sluice::job
