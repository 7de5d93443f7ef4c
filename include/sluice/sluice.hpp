#pragma once

/// All of the C++ interface.
#include <sluice/buffer.hpp>
#include <sluice/continuous_stage.hpp>
#include <sluice/error.hpp>
#include <sluice/gpu.hpp>
#include <sluice/group.hpp>
#include <sluice/model.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/process_stage.hpp>
#include <sluice/record.hpp>
#include <sluice/remark.hpp>
#include <sluice/run.hpp>
#include <sluice/stage.hpp>
#include <sluice/version.hpp>
