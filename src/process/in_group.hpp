#pragma once

#include "process/supervisor.hpp"

namespace sluice::process {

/// What the process of one rank of a group makes of a batch. When another rank of the group fails,
/// the process may wait for it without end: it gets a second to answer, and is ended then.
/// Throws what the group throws, StageError for what the process throws, and ProcessDied.
Emitter<Record> answer_in_group(Supervisor& supervisor, const Batch<Record>& batch);

}  // namespace sluice::process
