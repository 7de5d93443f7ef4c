#include "runtime/artifact_courier.hpp"

#include <algorithm>
#include <utility>

namespace sluice::runtime {

using control::coordinator;
using control::Rank;

namespace {

constexpr std::size_t most_under_way = 4;
constexpr Rank nobody = -1;

}  // namespace

struct ArtifactCourier::Stop {
  std::string key;
  bool lacks = false;
  Rank before = nobody;
  Rank after = nobody;
  bool begun = false;
  std::unique_ptr<store::ArtifactPlace> place;
};

ArtifactCourier::ArtifactCourier(transport::Transport& transport, std::vector<Artifact> artifacts,
                                 std::function<void()> alive)
    : transport_(transport),
      artifacts_(std::move(artifacts)),
      alive_(std::move(alive)),
      stops_(artifacts_.size()) {}

ArtifactCourier::~ArtifactCourier() = default;

void ArtifactCourier::on(const NameArtifacts&) {
  ArtifactNames names;
  {
    const transport::Absence absence(transport_);
    for (const auto& artifact : artifacts_) {
      readers_.push_back(std::make_unique<store::ArtifactReader>(artifact));
      names.keys.push_back(readers_.back()->key());
      alive_();
    }
  }
  transport_.send(pack(coordinator, std::move(names)));
}

void ArtifactCourier::on(const LookForArtifacts& order) {
  LackedArtifacts lacked;
  {
    const transport::Absence absence(transport_);
    for (std::size_t i = 0; i < stops_.size(); ++i) {
      auto& stop = stops_[i];
      stop.key = order.keys.at(i);
      stop.place = std::make_unique<store::ArtifactPlace>(artifacts_[i]);
      stop.lacks = !stop.place->holds(stop.key);
      if (stop.lacks) lacked.artifacts.push_back(i);
      alive_();
    }
  }
  transport_.send(pack(coordinator, std::move(lacked)));
}

void ArtifactCourier::on(const SpreadArtifacts& order) {
  knows_ways_ = true;
  for (std::size_t i = 0; i < stops_.size(); ++i) {
    const auto& chain = order.chains.at(i);
    const auto self = std::find(chain.begin(), chain.end(), transport_.rank());
    if (self == chain.end()) continue;
    ++unfinished_;
    if (self == chain.begin()) {
      to_read_.push_back(i);
    } else {
      stops_[i].before = *(self - 1);
    }
    if (self + 1 != chain.end()) stops_[i].after = *(self + 1);
  }
  finish_if_done();
}

void ArtifactCourier::on(ArtifactPart part) { arrived_.push_back(std::move(part)); }

void ArtifactCourier::on(const ArtifactPartTaken&) {
  --under_way_;
  finish_if_done();
}

bool ArtifactCourier::step() {
  if (!to_read_.empty() && has_room(to_read_.front())) {
    read_piece();
    return true;
  }
  if (!knows_ways_ || arrived_.empty() || !has_room(arrived_.front().artifact)) return false;
  auto part = std::move(arrived_.front());
  arrived_.pop_front();
  const auto before = stops_[part.artifact].before;
  take_piece(std::move(part));
  transport_.send(pack(before, ArtifactPartTaken{}));
  finish_if_done();
  return true;
}

bool ArtifactCourier::has_room(std::size_t artifact) const {
  return stops_[artifact].after == nobody || under_way_ < most_under_way;
}

void ArtifactCourier::read_piece() {
  ArtifactPart part;
  part.artifact = to_read_.front();
  auto& reader = *readers_.at(part.artifact);
  {
    const transport::Absence absence(transport_);
    part.size = reader.size();
    part.kind = reader.kind();
    part.bytes = reader.next();
    part.sum = reader.sum();
    part.is_last = part.bytes.empty();
    done_.bytes_read += part.bytes.size();
  }
  if (part.is_last) {
    readers_[part.artifact].reset();
    to_read_.pop_front();
  }
  take_piece(std::move(part));
  finish_if_done();
}

// Passed on first, so that the next node writes while this one does.
void ArtifactCourier::take_piece(ArtifactPart part) {
  const auto after = stops_[part.artifact].after;
  if (after != nobody) {
    ++under_way_;
    transport_.send(pack(after, part));
  }
  const transport::Absence absence(transport_);
  write(part);
  alive_();
}

void ArtifactCourier::write(const ArtifactPart& part) {
  auto& stop = stops_[part.artifact];
  if (part.is_last) --unfinished_;
  if (!stop.lacks) return;
  if (!std::exchange(stop.begun, true)) stop.place->begin(part.size);
  if (part.is_last) {
    stop.place->finish(stop.key, part.sum, part.kind, alive_);
  } else {
    stop.place->write(part.bytes.view());
    done_.bytes_written += part.bytes.size();
  }
}

void ArtifactCourier::finish_if_done() {
  if (unfinished_ > 0 || under_way_ > 0 || said_) return;
  said_ = true;
  transport_.send(pack(coordinator, done_));
}

}  // namespace sluice::runtime
