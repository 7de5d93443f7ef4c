#include "transport/mpi_slots.hpp"

#include "transport/mpi_check.hpp"
#include "transport/mpi_outbox.hpp"

#include <utility>

namespace sluice::transport {
namespace {

// MPI fills slots in the order in which they were posted, so one that so many later ones were
// filled before is not waiting for a message: it is stuck in one, or held up for long.
constexpr std::uint64_t most_overtakers = 64;

}  // namespace

MpiSlots::MpiSlots(MPI_Comm comm) : comm_(comm) {
  for (std::size_t slot = 0; slot < count; ++slot) add_slot();
}

// Slots are posted and looked at in turn, so messages of one source stay in order.
std::optional<MpiSlots::Envelope> MpiSlots::take() {
  MPI_Status status;
  bool found = false;
  if (!suspicious_) {
    int done = 0;
    check_mpi(MPI_Test(&requests_[next_], &done, &status), "MPI_Test");
    found = done != 0;
  } else {
    // MPI_Testany moves MPI along only after it has looked, so a second look sees what came.
    for (int look = 0; look < 2 && !found; ++look) {
      found = test(next_, slots_.size(), status) || test(0, next_, status);
    }
  }
  if (!found) return std::nullopt;
  int length = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &length), "MPI_Get_count");
  Envelope envelope{status.MPI_SOURCE,
                    std::string(slots_[next_].memory.get(), static_cast<std::size_t>(length))};
  ++taken_;
  post(next_);
  if (suspicious_) replace_overtaken();
  next_ = (next_ + 1) % slots_.size();
  return envelope;
}

// On success `next_` is the slot.
bool MpiSlots::test(std::size_t first, std::size_t end, MPI_Status& status) {
  if (first == end) return false;
  int index = MPI_UNDEFINED;
  int done = 0;
  check_mpi(
      MPI_Testany(static_cast<int>(end - first), requests_.data() + first, &index, &done, &status),
      "MPI_Testany");
  if (done == 0 || index == MPI_UNDEFINED) return false;
  next_ = first + static_cast<std::size_t>(index);
  return true;
}

void MpiSlots::patrol() {
  const bool quiet = std::exchange(taken_at_patrol_, taken_) == taken_;
  for (std::size_t slot = 0; quiet && !suspicious_ && slot < slots_.size(); ++slot) {
    int done = 0;
    check_mpi(MPI_Request_get_status(requests_[slot], &done, MPI_STATUS_IGNORE),
              "MPI_Request_get_status");
    suspicious_ = done != 0 && slot != next_;
    if (done != 0 && slot == next_) return;
  }
}

void MpiSlots::close() {
  for (auto& request : requests_) {
    check_mpi(MPI_Cancel(&request), "MPI_Cancel");
    check_mpi(MPI_Request_free(&request), "MPI_Request_free");
  }
}

void MpiSlots::add_slot() {
  slots_.push_back({std::make_unique<char[]>(envelope_bytes), 0, false});
  requests_.push_back(MPI_REQUEST_NULL);
  post(slots_.size() - 1);
}

void MpiSlots::post(std::size_t slot) {
  slots_[slot].posted_at = taken_;
  slots_[slot].overtaken = false;
  check_mpi(MPI_Irecv(slots_[slot].memory.get(), static_cast<int>(envelope_bytes), MPI_BYTE,
                      MPI_ANY_SOURCE, envelope_tag, comm_, &requests_[slot]),
            "MPI_Irecv");
}

void MpiSlots::replace_overtaken() {
  const std::size_t slots = slots_.size();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (slots_[slot].overtaken || taken_ - slots_[slot].posted_at < most_overtakers) continue;
    slots_[slot].overtaken = true;
    add_slot();
  }
}

}  // namespace sluice::transport
