#include "store/hdf5_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::store {
namespace {

// The stack's first entry is the cause, its last the function that was called.
struct Trail {
  std::string cause;
  std::string function;
};

herr_t follow(unsigned depth, const H5E_error2_t* entry, void* data) {
  auto& trail = *static_cast<Trail*>(data);
  if (depth == 0) trail.cause = entry->desc == nullptr ? "" : entry->desc;
  trail.function = entry->func_name == nullptr ? "" : entry->func_name;
  return 0;
}

}  // namespace

std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  return mutex;
}

void hdf5_prepare() {
  // The library's own clean-up at exit crashes when a file could not be closed (a full disk), and
  // would only flush files that nobody committed.
  static const herr_t no_cleanup = H5dont_atexit();
  // A thread-safe build of the library has one error stack a thread.
  thread_local const herr_t silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  static_cast<void>(no_cleanup);
  static_cast<void>(silent);
}

void throw_hdf5_error(std::string_view doing) {
  Trail trail;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, &follow, &trail);
  H5Eclear2(H5E_DEFAULT);
  std::replace(trail.cause.begin(), trail.cause.end(), '\n', ' ');
  throw IoError(fmt::format("{}: HDF5 says: {} (in {})", doing, trail.cause, trail.function));
}

Hdf5Id::~Hdf5Id() {
  if (id_ < 0) return;
  const std::lock_guard lock(hdf5_mutex());
  hdf5_prepare();
  close_(id_);
}

void Hdf5Id::close(std::string_view doing) {
  if (id_ < 0) return;
  hdf5(doing, [&] { return close_(std::exchange(id_, -1)); });
}

namespace {

Hdf5Id file_access(std::string_view doing) {
  auto access = hdf5_open(doing, H5Pclose, [] { return H5Pcreate(H5P_FILE_ACCESS); });
  hdf5(doing, [&] { return H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110); });
  // Chunks begin on a page: the kernel copies those a third faster.
  hdf5(doing, [&] { return H5Pset_alignment(access.get(), 64 << 10, 4 << 10); });
  hdf5(doing, [&] { return H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG); });
  return access;
}

}  // namespace

Hdf5Id create_hdf5_file(const std::filesystem::path& path, std::size_t head_bytes) {
  const auto doing = fmt::format("cannot create the HDF5 file '{}'", path.string());
  const auto access = file_access(doing);
  const auto creation = hdf5_open(doing, H5Pclose, [] { return H5Pcreate(H5P_FILE_CREATE); });
  hdf5(doing, [&] { return H5Pset_userblock(creation.get(), head_bytes); });
  return hdf5_open(doing, H5Fclose, [&] {
    return H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get());
  });
}

Hdf5Id open_hdf5_file(std::string_view doing, const std::filesystem::path& path) {
  const auto access = file_access(doing);
  return hdf5_open(doing, H5Fclose,
                   [&] { return H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()); });
}

}  // namespace sluice::store
