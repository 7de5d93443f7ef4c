#pragma once

#include "store/hdf5_dataset.hpp"

#include <sluice/record.hpp>

#include <memory>
#include <string>

namespace sluice::store {

/// One field of all records, in one or two datasets.
class Hdf5Column {
 public:
  virtual ~Hdf5Column() = default;
  /// Why the value cannot stand in this column ("holds int64, not string"); empty if it can.
  virtual std::string misfit(const Value& value) const = 0;
  /// Only a value that fits and has no fault.
  virtual void append(const Value& value) = 0;
  /// Writes what is buffered; nothing may follow.
  virtual void finish() = 0;
};

/// Why no column can hold the value; empty if one can.
std::string hdf5_fault(const Value& value);

/// A column for values like `first`, which has no fault.
std::unique_ptr<Hdf5Column> make_hdf5_column(const DatasetPlace& place, const Value& first);

}  // namespace sluice::store
