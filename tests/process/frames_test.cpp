#include "process/frames.hpp"
#include "process/died.hpp"

#include <gmock/gmock.h>

#include <cstring>

namespace sluice::process {
namespace {

TEST(Frames, AreReadHoweverTheyCome) {
  const auto bytes = packed({FrameKind::hello, 0, "body"}) + packed({FrameKind::ready, 7, {}}) +
                     packed({FrameKind::done, 8, std::string(100000, 'x')});
  for (const std::size_t piece : {1, 7, 16, 1000, 200000}) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.add(std::string_view(bytes).substr(at, piece));
      while (auto frame = reader.take()) frames.push_back(*std::move(frame));
    }
    ASSERT_EQ(frames.size(), 3u) << piece;
    EXPECT_EQ(frames[0].body, "body");
    EXPECT_EQ(frames[1].batch, 7u);
    EXPECT_EQ(frames[2].kind, FrameKind::done);
    EXPECT_EQ(frames[2].body.size(), 100000u);
  }
}

TEST(Frames, LieAsTheProtocolSays) {
  const auto bytes = packed({FrameKind::batch, 0x0102030405060708, batch_body({64, 640})});
  EXPECT_EQ(bytes, std::string("\4\0\0\0\x10\0\0\0\x8\7\6\5\4\3\2\1"
                               "\x40\0\0\0\0\0\0\0\x80\2\0\0\0\0\0\0",
                               32));
}

std::string refusal(const std::string& bytes) {
  FrameReader reader;
  reader.add(bytes);
  try {
    reader.take();
  } catch (const Garbage& garbage) {
    return garbage.what();
  }
  return "accepted";
}

TEST(Frames, OfUnknownKindsOrImmenseSizesAreGarbage) {
  EXPECT_EQ(refusal(std::string(16, '\0')), "a frame of the unknown kind 0");
  EXPECT_EQ(refusal(packed({static_cast<FrameKind>(10), 0, {}})), "a frame of the unknown kind 10");
  EXPECT_EQ(refusal(std::string("\1\0\0\0\1\0\0\1\0\0\0\0\0\0\0\0", 16)),
            "a frame of 16777217 bytes");
}

TEST(Frames, BodiesAreChecked) {
  EXPECT_EQ(hello_of({FrameKind::hello, 0, R"({"protocol": 1, "name": "n", "more": 2})"}).name,
            "n");
  EXPECT_THROW(hello_of({FrameKind::ready, 0, "{}"}), Garbage);
  EXPECT_THROW(hello_of({FrameKind::hello, 0, "[]"}), Garbage);
  EXPECT_THROW(hello_of({FrameKind::hello, 0, R"({"protocol": "1"})"}), Garbage);
  EXPECT_THROW(result_of({FrameKind::result, 1, std::string(19, '\0')}), Garbage);
  EXPECT_THROW(result_of({FrameKind::result, 1, std::string(20, '\2')}), Garbage);
  const auto failure = failure_of({FrameKind::failed, 1, R"({"error": "e", "record": null})"});
  EXPECT_EQ(failure.error, "e");
  EXPECT_EQ(failure.record, std::nullopt);
  EXPECT_THROW(failure_of({FrameKind::failed, 1, R"({"record": -1})"}), Garbage);
  EXPECT_THROW(failure_of({FrameKind::failed, 1, R"({"error": 1})"}), Garbage);
  EXPECT_THROW(failure_of({FrameKind::failed, 1, "\xff"}), Garbage);
}

}  // namespace
}  // namespace sluice::process
