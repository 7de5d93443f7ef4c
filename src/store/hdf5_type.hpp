#pragma once

#include "store/hdf5_file.hpp"

#include <sluice/record.hpp>

namespace sluice::store {

/// The HDF5 type of tensor elements.
Hdf5Id hdf5_type(std::string_view doing, DType dtype);

}  // namespace sluice::store
