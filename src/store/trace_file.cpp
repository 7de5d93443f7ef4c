#include "store/trace_file.hpp"

#include "base/clock.hpp"
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

template <class Entry>
constexpr bool is_fixed = std::is_trivially_copyable_v<Entry>;

// As they lie in memory: field by field takes several times as long, and adding entries is what a
// trace costs a run.
template <class Fixed>
std::string_view bytes_of(const Fixed& fixed) {
  static_assert(is_fixed<Fixed> && sizeof(Fixed) % sizeof(std::uint64_t) == 0);
  return {reinterpret_cast<const char*>(&fixed), sizeof fixed};
}

template <class Entry>
void encode(const Entry& entry, std::string& bytes, Encoder& encoder) {
  if constexpr (is_fixed<Entry>) {
    bytes += bytes_of(entry);
  } else if constexpr (std::is_same_v<Entry, TraceBatch>) {
    bytes += bytes_of<TraceBatchFacts>(entry);
    encoder(entry.keys);
  } else {
    encoder(entry);
  }
}

template <class Fixed>
void take_fixed(Decoder& decoder, Fixed& fixed) {
  decoder.read(static_cast<void*>(&fixed), sizeof fixed);
}

template <class Entry>
void decode(Decoder& decoder, Entry& entry) {
  if constexpr (is_fixed<Entry>) {
    take_fixed(decoder, entry);
  } else if constexpr (std::is_same_v<Entry, TraceBatch>) {
    take_fixed<TraceBatchFacts>(decoder, entry);
    decoder(entry.keys);
  } else {
    decoder(entry);
  }
  decoder.finish();
}

// False if there is no such kind.
template <std::size_t I = 0>
bool decode(std::size_t kind, std::string_view bytes, TraceEntry& entry) {
  if constexpr (I == std::variant_size_v<TraceEntry>) {
    return false;
  } else {
    if (kind != I) return decode<I + 1>(kind, bytes, entry);
    Decoder decoder(bytes);
    decode(decoder, entry.emplace<I>());
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

std::filesystem::path trace_folder(const std::filesystem::path& run_dir) {
  return run_dir / folder_name;
}

std::filesystem::path trace_path(const std::filesystem::path& run_dir, std::uint64_t attempt,
                                 int rank) {
  return trace_folder(run_dir) / fmt::format("{:020}-{:05}{}", attempt, rank, extension);
}

std::vector<std::filesystem::path> trace_files(const std::filesystem::path& run_dir) {
  std::error_code error;
  if (!std::filesystem::is_directory(trace_folder(run_dir), error)) return {};
  auto files = files_below(trace_folder(run_dir));
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
    : limits_(limits), ring_(limits.memory), file_(create(path)) {
  if (file_.get() < 0) note_error(errno);
  thread_ = std::thread([this] { write_all(); });
}

TraceWriter::~TraceWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  news_.notify_one();
  thread_.join();
  if (!write_waiting()) return;
  if (left_out_ > 0) append(TraceGap{left_out_}, true);
  append(TraceEnd{seconds_now()}, true);
  write_waiting();
}

template <class Entry>
void TraceWriter::add(const Entry& entry) {
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
  entry_.resize(front);
  encode(entry, entry_, encoder_);
  const auto length = static_cast<Length>(entry_.size() - front);
  std::memcpy(entry_.data(), &length, sizeof length);
  entry_[sizeof length] = static_cast<char>(kind_of<Entry>());
  if (entry_.size() > ring_.size() - ring_.used()) return false;
  if (!at_any_rate && !has_room()) return false;
  ring_.put(entry_);
  taken_in_ += entry_.size();
  rouse();
  return true;
}

bool TraceWriter::has_room() const {
  return entry_.size() <= most_length && taken_in_ + entry_.size() <= limits_.file;
}

// The lock is taken, so that the writing thread is not just about to fall asleep.
void TraceWriter::rouse() {
  if (ring_.used() <= ring_.size() / 2 || urgent_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    urgent_ = true;
  }
  news_.notify_one();
}

// The writing thread. What has come waits for more, but not for long.
void TraceWriter::write_all() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    news_.wait_for(lock, flush_interval, [this] { return ending_ || urgent_; });
    lock.unlock();
    const bool written = write_waiting();
    lock.lock();
    urgent_ = false;
    // Memory is full all the same: that is no news, and not to be tried without a pause.
    if (!written) news_.wait_for(lock, flush_interval, [this] { return ending_; });
  }
}

// Takes the entries out once they are in the file, all of them.
bool TraceWriter::write_waiting() {
  const auto parts = ring_.waiting();
  if (file_.get() < 0) {
    ring_.take(parts[0].size() + parts[1].size());
    return false;
  }
  if (!write(parts[0]) || !write(parts[1])) {
    note_error(errno);
    // No part of an entry stays, so that more can follow later.
    if (::ftruncate(file_.get(), written_) != 0) return false;
    ::lseek(file_.get(), written_, SEEK_SET);
    return false;
  }
  ring_.take(parts[0].size() + parts[1].size());
  written_ += static_cast<std::int64_t>(parts[0].size() + parts[1].size());
  return true;
}

bool TraceWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void TraceWriter::note_error(int error) noexcept {
  if (!std::exchange(said_, true)) error_.store(error, std::memory_order_relaxed);
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
