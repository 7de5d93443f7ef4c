#include "store/trace_file.hpp"

#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace sluice::store {
namespace {

std::vector<TraceEntry> entries_of(const std::filesystem::path& path) {
  std::vector<TraceEntry> entries;
  read_trace(path, [&](const TraceEntry& entry) { entries.push_back(entry); });
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
    writer.add(TraceSend{3, 2, 0, 9, 4});
    writer.add(TraceSpan{TraceState::blocked, 1, 3, 4});
  }
  ASSERT_EQ(trace_files(folder.path()), std::vector{path});
  const auto entries = entries_of(path);
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
  const auto size = std::filesystem::file_size(path);
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
  const auto entries = entries_of(path);
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
  for (const auto& entry : entries_of(path)) {
    if (const auto* gap = std::get_if<TraceGap>(&entry)) left_out += gap->entries;
    if (std::holds_alternative<TraceBatch>(entry)) ++kept;
  }
  EXPECT_GT(left_out, 0u);
  EXPECT_EQ(kept + left_out, 1000u);
}

TEST(TraceFile, ADiskThatIsFullOrGoneIsNoError) {
  for (const auto* path : {"/dev/full", "/proc/none/x.trace"}) {
    TraceWriter writer(path, {.memory = 10'000});
    for (std::uint64_t i = 0; i < 10'000; ++i) writer.add(some_batch(i));
  }
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
