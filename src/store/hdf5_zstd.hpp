#pragma once

#include "store/hdf5_file.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::store {

// The zstd filter under the number that The HDF Group has registered for it (32015), so that h5py
// (with hdf5plugin) and the HDF5 tools (with the plugin) read what is written here.

/// Makes the library know the filter in this process; before a dataset that has it is opened.
void register_zstd_filter(std::string_view doing);

/// Datasets created with this list may hold chunks that are compressed.
void set_zstd_filter(std::string_view doing, hid_t creation_list);

/// Compresses outside of the library's lock. False, and `out` is rubbish, if it does not become
/// smaller.
bool zstd_compress(std::span<const std::byte> bytes, std::vector<std::byte>& out);

}  // namespace sluice::store
