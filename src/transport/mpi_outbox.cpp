#include "transport/mpi_outbox.hpp"

#include "record/lending.hpp"
#include "transport/envelope.hpp"
#include "transport/mpi_check.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transport {
namespace {

// So many sends are looked at per call, whatever their number.
constexpr std::size_t tested_at_once = 64;

// Of what the message carries; what can be lent is taken out of it.
Seal seal_of(Message& message, std::uint32_t number, const MpiOutbox::Terms& terms) {
  Seal seal{terms.run, number, terms.piece_bytes, false, {}};
  std::vector<Buffer> following;
  for (Buffer& buffer : message.buffers) {
    const auto handle = terms.lend ? lend(buffer) : std::nullopt;
    seal.attachments.push_back({buffer.size(), handle.value_or(BlockHandle{})});
    if (!handle) following.push_back(std::move(buffer));
  }
  message.buffers = std::move(following);
  return seal;
}

void wrap(Message& message, std::uint32_t number, const MpiOutbox::Terms& terms) {
  const Seal outer{terms.run, number, terms.piece_bytes, true, {{message.bytes.size(), {}}}};
  message.buffers.insert(message.buffers.begin(), Buffer::adopt(std::move(message.bytes)));
  message.bytes.clear();
  close_envelope(message.bytes, outer);
}

}  // namespace

bool MpiOutbox::send(Message message, const Terms& terms) {
  const auto number = sent_[static_cast<std::size_t>(message.peer)]++;
  close_envelope(message.bytes, seal_of(message, number, terms));
  if (message.bytes.size() > envelope_bytes) wrap(message, number, terms);
  const std::size_t waiting_before = requests_.size();
  const Buffer envelope = Buffer::adopt(std::move(message.bytes));
  post(envelope, 0, envelope.size(), message.peer, envelope_tag);
  for (const Buffer& buffer : message.buffers) {
    for (std::size_t offset = 0; offset < buffer.size(); offset += terms.piece_bytes) {
      const std::size_t size = std::min<std::size_t>(terms.piece_bytes, buffer.size() - offset);
      post(buffer, offset, size, message.peer, buffer_tag);
    }
  }
  return requests_.size() == waiting_before;
}

void MpiOutbox::post(const Buffer& owner, std::size_t offset, std::size_t size, Rank peer,
                     int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Isend(owner.data() + offset, static_cast<int>(size), MPI_BYTE, peer, tag, comm_,
                      &request),
            "MPI_Isend");
  requests_.push_back(request);
  owners_.push_back(owner);
  peers_.push_back(peer);
  // A small message has left by now, as a rule.
  int done = 0;
  check_mpi(MPI_Test(&requests_.back(), &done, MPI_STATUS_IGNORE), "MPI_Test");
  if (done != 0) remove(requests_.size() - 1);
}

void MpiOutbox::progress() {
  if (empty()) return;
  if (next_tested_ >= requests_.size()) next_tested_ = 0;
  const std::size_t count = std::min(tested_at_once, requests_.size() - next_tested_);
  completed_.resize(count);
  int found = 0;
  check_mpi(MPI_Testsome(static_cast<int>(count), requests_.data() + next_tested_, &found,
                         completed_.data(), MPI_STATUSES_IGNORE),
            "MPI_Testsome");
  for (std::size_t i = next_tested_ + count; found > 0 && i-- > next_tested_;) {
    if (requests_[i] == MPI_REQUEST_NULL) remove(i);
  }
  next_tested_ += count;
}

void MpiOutbox::forget(Rank rank) {
  for (std::size_t i = requests_.size(); i-- > 0;) {
    if (peers_[i] != rank) continue;
    forgotten_.push_back(owners_[i]);
    remove(i);
  }
}

void MpiOutbox::remove(std::size_t i) {
  requests_[i] = requests_.back();
  owners_[i] = std::move(owners_.back());
  peers_[i] = peers_.back();
  requests_.pop_back();
  owners_.pop_back();
  peers_.pop_back();
}

}  // namespace sluice::transport
