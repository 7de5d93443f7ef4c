#pragma once

#include <sluice/registry.hpp>

namespace sluice::job {

// The built-in stage kinds; each is described where it is defined.
StageKind fs_read_kind();
StageKind fs_write_kind();
StageKind hdf5_write_kind();
StageKind jsonl_write_kind();
StageKind s3_get_kind();
StageKind s3_put_kind();
StageKind synthetic_kind();

}  // namespace sluice::job
