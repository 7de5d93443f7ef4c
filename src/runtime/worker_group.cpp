#include "runtime/spec.hpp"
#include "runtime/worker.hpp"

#include <fmt/format.h>

#include <utility>

// How a worker is one of a group (docs/groups.md). Its primary says what it has to do; the
// coordinator tells it only to join and to leave.
namespace sluice::runtime {

void Worker::join_group(const control::Assign& order) {
  if (link_ && link_->term() == order.term) return;  // its node has been set up
  leave_group();
  const auto& stage = spec_.stages.at(order.stage);
  link_ = std::make_shared<GroupLink>(transport_, order, [this] { return look_in_call(); });
  grouped_ = grouped(stage, link_);
  if (link_->rank() != 0) follower_.emplace(stage, link_);
  for (auto& packet : std::exchange(early_, {})) handle(std::move(packet));
  rank_log().info("rank {} of a group of {}", link_->rank(), link_->size());
}

void Worker::leave_group() {
  runner_.reset();
  follower_.reset();
  grouped_.reset();
  link_.reset();
}

// Terms count up, so that what comes late, of a group that is no more, is known.
template <class Word>
void Worker::on_group(Word word) {
  if (link_ && link_->term() == word.term) {
    link_->on(std::move(word));
  } else if (!link_ || link_->term() < word.term) {
    early_.emplace_back(std::move(word));
  }
}

template void Worker::on_group(GroupCall);
template void Worker::on_group(GroupPart);
template void Worker::on_group(GroupEnded);

}  // namespace sluice::runtime
