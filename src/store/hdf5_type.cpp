#include "store/hdf5_type.hpp"

namespace sluice::store {
namespace {

// IEEE half precision, for which HDF5 1.10 has no name: sign bit 15, exponent 10-14, mantissa 0-9.
Hdf5Id half_type(std::string_view doing) {
  auto type = hdf5_open(doing, H5Tclose, [] { return H5Tcopy(H5T_IEEE_F32LE); });
  hdf5(doing, [&] { return H5Tset_fields(type.get(), 15, 10, 5, 0, 10); });
  hdf5(doing, [&] { return H5Tset_size(type.get(), 2); });
  hdf5(doing, [&] { return H5Tset_ebias(type.get(), 15); });
  return type;
}

// Names of HDF5 types are calls that initialise the library, hence under the lock.
hid_t native(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return H5T_NATIVE_UINT8;
    case DType::i8:
      return H5T_NATIVE_INT8;
    case DType::u16:
      return H5T_NATIVE_UINT16;
    case DType::i16:
      return H5T_NATIVE_INT16;
    case DType::u32:
      return H5T_NATIVE_UINT32;
    case DType::i32:
      return H5T_NATIVE_INT32;
    case DType::u64:
      return H5T_NATIVE_UINT64;
    case DType::i64:
      return H5T_NATIVE_INT64;
    case DType::f32:
      return H5T_NATIVE_FLOAT;
    default:
      return H5T_NATIVE_DOUBLE;
  }
}

}  // namespace

Hdf5Id hdf5_type(std::string_view doing, DType dtype) {
  if (dtype == DType::f16) return half_type(doing);
  return hdf5_open(doing, H5Tclose, [&] { return H5Tcopy(native(dtype)); });
}

}  // namespace sluice::store
