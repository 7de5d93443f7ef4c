#include "store/trace_file.hpp"

#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>
#include <utility>

namespace sluice::store {
namespace {

std::vector<TraceEntry> entries_of(const std::filesystem::path& path) {
  std::vector<TraceEntry> entries;
  read_trace(path, [&](const TraceEntry& entry) { entries.push_back(entry); });
  return entries;
}

// Without its end, which must be there.
std::vector<TraceEntry> whole_entries_of(const std::filesystem::path& path) {
  auto entries = entries_of(path);
  EXPECT_TRUE(!entries.empty() && std::holds_alternative<TraceEnd>(entries.back()));
  if (!entries.empty()) entries.pop_back();
  return entries;
}

TraceBatch some_batch(std::uint64_t number) {
  TraceBatch batch;
  batch.span = {TraceState::process, 2, 1.5, 2.5};
  batch.batch = number;
  batch.keys = {"a", fmt::format("b{}", number)};
  return batch;
}

TEST(TraceFile, HoldsWhatWasAddedInOrder) {
  const ScratchFolder folder;
  const auto path = trace_path(folder.path(), 7, 3);
  {
    TraceWriter writer(path, {.memory = 64 << 20});
    writer.add(TraceHead{7, 3, 1, 10, 20, "host", "pipeline", {"one", "two"}});
    for (std::uint64_t i = 0; i < 100'000; ++i) writer.add(some_batch(i));
    writer.add(TraceSend{3, 2, 0, 9, 4, 8});
    writer.add(TraceSpan{TraceState::blocked, 1, 3, 4});
  }
  ASSERT_EQ(trace_files(folder.path()), std::vector{path});
  const auto entries = whole_entries_of(path);
  ASSERT_EQ(entries.size(), 100'003u);
  EXPECT_EQ(std::get<TraceHead>(entries.front()).stages.at(1), "two");
  EXPECT_EQ(std::get<TraceBatch>(entries.at(1)).keys.at(1), "b0");
  EXPECT_EQ(std::get<TraceSpan>(entries.back()).end, 4);
}

TEST(TraceFile, OfAProcessThatDiedHasWhatWasWholeOnDisk) {
  const ScratchFolder folder;
  const auto path = trace_path(folder.path(), 7, 3);
  {
    TraceWriter writer(path);
    for (std::uint64_t i = 0; i < 10; ++i) writer.add(some_batch(i));
  }
  const auto end = sizeof(std::uint32_t) + 1 + sizeof(TraceEnd);
  const auto size = std::filesystem::file_size(path) - end;
  for (std::uintmax_t cut = 0; cut < size; ++cut) {
    std::filesystem::resize_file(path, size - cut);
    EXPECT_EQ(entries_of(path).size(), (size - cut) * 10 / size) << cut;
  }
}

TEST(TraceFile, DoesNotGrowBeyondItsLimitAndSaysHowMuchIsMissing) {
  const ScratchFolder folder;
  const auto path = trace_path(folder.path(), 7, 3);
  {
    TraceWriter writer(path, {.memory = 1 << 20, .file = 10'000});
    for (std::uint64_t i = 0; i < 1000; ++i) writer.add(some_batch(i));
  }
  EXPECT_LT(std::filesystem::file_size(path), 10'100u);
  const auto entries = whole_entries_of(path);
  EXPECT_EQ(entries.size() - 1 + std::get<TraceGap>(entries.back()).entries, 1000u);
}

TEST(TraceFile, KeepsNoMoreInMemoryThanItMay) {
  const ScratchFolder folder;
  const auto path = trace_path(folder.path(), 7, 3);
  {
    TraceWriter writer(path, {.memory = 300});
    for (std::uint64_t i = 0; i < 1000; ++i) writer.add(some_batch(i));
  }
  std::uint64_t left_out = 0;
  std::uint64_t kept = 0;
  for (const auto& entry : whole_entries_of(path)) {
    if (const auto* gap = std::get_if<TraceGap>(&entry)) left_out += gap->entries;
    if (std::holds_alternative<TraceBatch>(entry)) ++kept;
  }
  EXPECT_GT(left_out, 0u);
  EXPECT_EQ(kept + left_out, 1000u);
}

// Waits for the writing thread to meet it.
int error_of(TraceWriter& writer) {
  for (int i = 0; i < 1000; ++i) {
    if (const int error = writer.take_error()) return error;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return 0;
}

TEST(TraceFile, ADiskThatIsFullOrGoneIsNoErrorButIsSaidOnce) {
  const std::pair<const char*, int> disks[] = {{"/dev/full", ENOSPC},
                                               {"/proc/none/x.trace", ENOENT}};
  for (const auto& [path, error] : disks) {
    TraceWriter writer(path, {.memory = 10'000});
    for (std::uint64_t i = 0; i < 10'000; ++i) writer.add(some_batch(i));
    EXPECT_EQ(error_of(writer), error) << path;
    EXPECT_EQ(writer.take_error(), 0);
  }
}

// While it exists, no file of this process can grow beyond so many bytes.
class LargestFile {
 public:
  explicit LargestFile(rlim_t bytes) : ignored_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~LargestFile() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, ignored_);
  }
  LargestFile(const LargestFile&) = delete;
  LargestFile& operator=(const LargestFile&) = delete;

 private:
  void (*ignored_)(int);
  rlimit before_{};
};

TEST(TraceFile, GoesOnOnceTheDiskHasRoomAgainAndHasNoTornEntry) {
  const ScratchFolder folder;
  const auto path = trace_path(folder.path(), 7, 3);
  {
    TraceWriter writer(path, {.memory = 20'000});
    {
      const LargestFile limit(1000);
      for (std::uint64_t i = 0; i < 1000; ++i) writer.add(some_batch(i));
      EXPECT_EQ(error_of(writer), EFBIG);
    }
  }
  const auto entries = whole_entries_of(path);
  EXPECT_GT(entries.size(), 100u);
  EXPECT_EQ(entries.size() - 1 + std::get<TraceGap>(entries.back()).entries, 1000u);
}

TEST(TraceFile, OldTracesAreForgottenButNotWhatElseIsThere) {
  const ScratchFolder folder;
  for (int rank = 0; rank < 3; ++rank) TraceWriter(trace_path(folder.path(), 7, rank));
  write_text(folder / "trace/notes.txt", "mine");
  EXPECT_EQ(trace_files(folder.path()).size(), 3u);
  forget_traces(folder.path());
  EXPECT_EQ(trace_files(folder.path()).size(), 0u);
  EXPECT_TRUE(std::filesystem::exists(folder / "trace/notes.txt"));
}

TEST(TraceFile, ThatIsNotThereIsAnError) { EXPECT_THROW(entries_of("/none/of/this"), IoError); }

}  // namespace
}  // namespace sluice::store
