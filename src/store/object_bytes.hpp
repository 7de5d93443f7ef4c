#pragma once

#include "store/artifact_source.hpp"
#include "store/object_store.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace sluice::store {

/// An object's bytes, fetched some pieces ahead.
class ObjectBytes final : public ByteStream {
 public:
  ObjectBytes(ObjectStore& objects, ObjectName name, ObjectStore::Facts facts)
      : objects_(objects), name_(std::move(name)), facts_(std::move(facts)) {}

  Buffer next() override {
    if (ahead_.empty() && at_ < facts_.size) fetch();
    if (ahead_.empty()) return {};
    auto piece = std::move(ahead_.front());
    ahead_.pop_front();
    return piece;
  }

 private:
  void fetch() {
    constexpr std::uint64_t pieces = 4;
    const auto count = std::min(pieces * artifact_piece, facts_.size - at_);
    for (auto& piece : objects_.get_pieces(name_, facts_.etag, at_, count, artifact_piece)) {
      at_ += piece.size();
      ahead_.push_back(std::move(piece));
    }
  }

  ObjectStore& objects_;
  ObjectName name_;
  ObjectStore::Facts facts_;
  std::uint64_t at_ = 0;
  std::deque<Buffer> ahead_;
};

}  // namespace sluice::store
