#pragma once

namespace sluice::store {

/// Whether a dataset's chunks are compressed: by zstd, and then only those that become smaller.
enum class Compression { none, zstd };

}  // namespace sluice::store
