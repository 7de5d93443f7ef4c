#pragma once

#include <sluice/buffer.hpp>

#include <filesystem>

namespace sluice::job {

/// The whole file; throws InputError naming it and the reason.
Buffer read_file(const std::filesystem::path& path);

}  // namespace sluice::job
