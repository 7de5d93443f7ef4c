#pragma once

#include <hdf5.h>

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::store {

/// The library keeps global state, and only some builds guard it (Debian's serial one does, its MPI
/// one does not), so every HDF5 call of the process is made under this lock: through `hdf5` below.
std::mutex& hdf5_mutex();

/// Before every call, with the lock held: stops HDF5 from printing errors and from cleaning up at
/// exit.
void hdf5_prepare();

/// Throws IoError: `doing`, then what HDF5 says went wrong. With the lock held.
[[noreturn]] void throw_hdf5_error(std::string_view doing);

/// The one place where HDF5 is called and checked. `call` does so and returns what HDF5 returned;
/// names such as H5T_NATIVE_INT64 are calls too, so they belong inside it.
template <class Call>
auto hdf5(std::string_view doing, Call call) {
  const std::lock_guard lock(hdf5_mutex());
  hdf5_prepare();
  const auto result = call();
  if (result < 0) throw_hdf5_error(doing);
  return result;
}

/// Owns an HDF5 identifier.
class Hdf5Id {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Id() = default;
  Hdf5Id(hid_t id, Close closer) : id_(id), close_(closer) {}
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  /// Closes without a word; what must not get lost is closed with `close`.
  ~Hdf5Id();
  Hdf5Id(const Hdf5Id&) = delete;
  Hdf5Id& operator=(const Hdf5Id&) = delete;

  hid_t get() const noexcept { return id_; }
  /// Closes it if it is open; throws IoError.
  void close(std::string_view doing);

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// As `hdf5`, for a call that makes an identifier.
template <class Call>
Hdf5Id hdf5_open(std::string_view doing, Hdf5Id::Close close, Call call) {
  return {hdf5(doing, call), close};
}

/// A new file, in place of one of that name; closing it closes all that is open in it. Its first
/// `head_bytes` (a power of two, at least 512) are left to the caller, who fills them when it is
/// closed.
Hdf5Id create_hdf5_file(const std::filesystem::path& path, std::size_t head_bytes = 0);
Hdf5Id open_hdf5_file(std::string_view doing, const std::filesystem::path& path);

}  // namespace sluice::store
