#include "runtime/split_reader.hpp"

#include "s3/proxy.hpp"
#include "s3/test.hpp"
#include "store/batches.hpp"
#include "store/object_files.hpp"

#include <sluice/error.hpp>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace sluice::runtime {
namespace {

class SplitsInABucket : public s3::Test {
 protected:
  void SetUp() override {
    s3::Test::SetUp();
    if (IsSkipped()) return;
    proxy_ = std::make_unique<s3::Proxy>(s3::Server::instance().port());
    s3::set_environment(s3::Server::instance(), proxy_->endpoint());
    ::setenv("AWS_MAX_ATTEMPTS", "1", 1);
  }
  ~SplitsInABucket() override { ::unsetenv("AWS_MAX_ATTEMPTS"); }

  store::IntermediateStore open() {
    return store::IntermediateStore(
        store::open_file_store("s3://" + bucket_ + "/run", folder_ / "scratch"));
  }
  /// A split that is all of a shard of its own, with one record.
  Split make_split(std::uint64_t number) {
    auto store = open();
    const auto draft = store.begin_shard("1-a", "shard-" + std::to_string(number), {});
    EncodedBatch batch;
    store::add_record(batch, {number, ""}, "record " + std::to_string(number));
    draft->append(batch);
    draft->cover(number);
    Split split;
    split.records = {number, 1};
    split.shard = to_json(draft->publish());
    return split;
  }
  /// Copies of whole shards that are here.
  std::size_t fetched() const {
    std::size_t count = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "scratch", gone)) {
      if (entry.file_size(gone) > 8192 && !gone) ++count;
    }
    return count;
  }

  store::ScratchFolder folder_;
  std::unique_ptr<s3::Proxy> proxy_;
};

TEST_F(SplitsInABucket, TheNextShardIsFetchedWhileOneIsRead) {
  const auto first = make_split(1);
  const auto second = make_split(2);
  const auto third = make_split(3);
  auto store = open();
  SplitReader reader(
      store, [this] { return open(); }, "1-a");
  reader.begin(first);
  reader.expect(first);
  reader.expect(second);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (fetched() < 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(reader.next(1).records.record_bytes(0), "record 1");
  proxy_->go_down();  // the copy, which is written at once, is here
  reader.begin(second);
  EXPECT_EQ(reader.next(1).records.record_bytes(0), "record 2");
  EXPECT_THROW(reader.begin(third), InputError);
}

TEST_F(SplitsInABucket, WhatGoesWrongAheadIsSaidWhenTheSplitBegins) {
  const auto first = make_split(1);
  const auto second = make_split(2);
  auto store = open();
  SplitReader reader(
      store, [this] { return open(); }, "1-a");
  reader.begin(first);
  proxy_->go_down();
  reader.expect(second);
  EXPECT_EQ(reader.next(1).records.record_bytes(0), "record 1");
  EXPECT_THROW(reader.begin(second), InputError);
}

}  // namespace
}  // namespace sluice::runtime
