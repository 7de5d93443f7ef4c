#include "job/stages/write_file.hpp"

#include "base/fault_point.hpp"
#include "store/atomic_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace sluice::job {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("cannot write '{}': {}; check the folder's permissions and free space",
                            path.string(), std::generic_category().message(error)));
}

void fill(store::AtomicFile& target, std::string_view bytes) {
  OutputFile file(target.temporary());
  file.write(bytes);
  file.close();
  fault_point("sink.written");
  target.commit();
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path)
    : path_(path), file_(std::fopen(path.c_str(), "wbe")) {
  if (file_ == nullptr) fail(path_, errno);
}

void OutputFile::write(std::string_view bytes) {
  // Once a part of something is missing, nothing that is written behind it makes the file whole.
  if (std::ferror(file_.get()) != 0) fail(path_, EIO);
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail(path_, errno);
}

void OutputFile::close() {
  if (std::ferror(file_.get()) != 0) fail(path_, EIO);
  if (std::fclose(file_.release()) != 0) fail(path_, errno);
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  // Several workers may be asked to write the same path: the last one to finish wins.
  store::AtomicFile target(path, store::AtomicFile::Temporary::own);
  fill(target, bytes);
}

void write_file(const std::filesystem::path& path, std::string_view bytes,
                const std::filesystem::path& scratch) {
  store::AtomicFile target(path, scratch);
  fill(target, bytes);
}

}  // namespace sluice::job
