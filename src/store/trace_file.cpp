#include "store/trace_file.hpp"

#include "store/disk.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <type_traits>
#include <utility>

namespace sluice::store {
namespace {

using Length = std::uint32_t;

constexpr const char* folder_name = "trace";
constexpr const char* extension = ".trace";
constexpr std::size_t front = sizeof(Length) + 1;
constexpr Length most_length = 1 << 20;
// A crash costs what came in this time.
constexpr std::chrono::seconds flush_interval{1};

int create(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

template <class Entry, std::size_t I = 0>
constexpr std::size_t kind_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, TraceEntry>, Entry>) {
    return I;
  } else {
    return kind_of<Entry, I + 1>();
  }
}

template <std::size_t I = 0>
bool decode(std::size_t kind, std::string_view bytes, TraceEntry& entry) {
  if constexpr (I == std::variant_size_v<TraceEntry>) {
    return false;
  } else {
    if (kind != I) return decode<I + 1>(kind, bytes, entry);
    Decoder decoder(bytes);
    decoder(entry.emplace<I>());
    decoder.finish();
    return true;
  }
}

bool read_exactly(std::istream& file, char* to, std::size_t size) {
  file.read(to, static_cast<std::streamsize>(size));
  return static_cast<std::size_t>(file.gcount()) == size;
}

bool is_sound(const TraceSpan& span) {
  return span.state <= TraceState::publish && span.begin <= span.end;
}

// What a flipped byte left of an entry may be anything.
bool is_sound(const TraceEntry& entry) {
  if (const auto* span = std::get_if<TraceSpan>(&entry)) return is_sound(*span);
  if (const auto* batch = std::get_if<TraceBatch>(&entry)) return is_sound(batch->span);
  return true;
}

}  // namespace

std::filesystem::path trace_path(const std::filesystem::path& run_dir, std::uint64_t attempt,
                                 int rank) {
  return run_dir / folder_name / fmt::format("{:020}-{:05}{}", attempt, rank, extension);
}

std::vector<std::filesystem::path> trace_files(const std::filesystem::path& run_dir) {
  std::error_code error;
  if (!std::filesystem::is_directory(run_dir / folder_name, error)) return {};
  auto files = files_below(run_dir / folder_name);
  std::erase_if(files, [](const auto& file) { return file.extension() != extension; });
  return files;
}

void forget_traces(const std::filesystem::path& run_dir) {
  std::error_code ignored;
  try {
    for (const auto& file : trace_files(run_dir)) std::filesystem::remove(file, ignored);
  } catch (const IoError&) {  // they stay, and a run goes on without such help
  }
}

TraceWriter::TraceWriter(const std::filesystem::path& path, Limits limits)
    : limits_(limits), file_(create(path)) {
  waiting_.reserve(limits_.memory);
  leaving_.reserve(limits_.memory);
  thread_ = std::thread([this] { write_all(); });
}

TraceWriter::~TraceWriter() {
  {
    const std::lock_guard lock(mutex_);
    if (left_out_ > 0) append(TraceGap{left_out_}, true);
    ending_ = true;
  }
  news_.notify_one();
  thread_.join();
}

template <class Entry>
void TraceWriter::add(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  if (left_out_ > 0 && append(TraceGap{left_out_})) left_out_ = 0;
  if (left_out_ > 0 || !append(entry)) ++left_out_;
}

template void TraceWriter::add(const TraceHead&);
template void TraceWriter::add(const TraceSpan&);
template void TraceWriter::add(const TraceBatch&);
template void TraceWriter::add(const TraceSend&);

// False if there is no room for it.
template <class Entry>
bool TraceWriter::append(const Entry& entry, bool at_any_rate) {
  const auto begin = waiting_.size();
  waiting_.append(sizeof(Length), '\0');
  waiting_ += static_cast<char>(kind_of<Entry>());
  encoder_(entry);
  if (!at_any_rate && !has_room(begin)) {
    waiting_.resize(begin);
    return false;
  }
  const auto length = static_cast<Length>(waiting_.size() - begin - front);
  std::memcpy(waiting_.data() + begin, &length, sizeof length);
  taken_ += waiting_.size() - begin;
  rouse(begin == 0);
  return true;
}

bool TraceWriter::has_room(std::size_t begin) const {
  const auto size = waiting_.size() - begin;
  return size <= most_length && waiting_.size() <= limits_.memory && taken_ + size <= limits_.file;
}

void TraceWriter::rouse(bool first) {
  const bool half = waiting_.size() > limits_.memory / 2;
  if (first || half > urgent_) news_.notify_one();
  urgent_ = half;
}

// The writing thread. What has come waits for more, but not for long.
void TraceWriter::write_all() {
  std::unique_lock lock(mutex_);
  while (true) {
    news_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    news_.wait_for(lock, flush_interval, [this] { return ending_ || urgent_; });
    if (waiting_.empty()) return;
    std::swap(waiting_, leaving_);
    urgent_ = false;
    lock.unlock();
    const bool written = write(leaving_);
    leaving_.clear();
    lock.lock();
    if (!written) file_ = Descriptor();
  }
}

// A disk that has once been full would leave a file with a hole in an entry.
bool TraceWriter::write(const std::string& bytes) {
  std::string_view left = bytes;
  while (!left.empty()) {
    const auto count = ::write(file_.get(), left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void read_trace(const std::filesystem::path& path,
                const std::function<void(const TraceEntry&)>& take) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw IoError(fmt::format("cannot read '{}': {}", path.string(), std::strerror(errno)));
  TraceEntry entry;
  std::string bytes;
  for (char head[front]; read_exactly(file, head, front);) {
    Length length = 0;
    std::memcpy(&length, head, sizeof length);
    if (length > most_length) return;
    bytes.resize(length);
    if (!read_exactly(file, bytes.data(), length)) return;
    try {
      if (!decode(static_cast<unsigned char>(head[sizeof length]), bytes, entry)) return;
      if (!is_sound(entry)) return;
    } catch (const std::exception&) {
      return;
    }
    take(entry);
  }
}

}  // namespace sluice::store
