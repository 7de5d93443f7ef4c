#include "transport/mpi_slots.hpp"

#include "transport/mpi_check.hpp"
#include "transport/mpi_outbox.hpp"

namespace sluice::transport {

MpiSlots::MpiSlots(MPI_Comm comm) : comm_(comm), memory_(count * envelope_bytes) {
  for (std::size_t slot = 0; slot < count; ++slot) post(slot);
}

// Slots are posted and looked at in turn, so messages of one source stay in order.
std::optional<MpiSlots::Envelope> MpiSlots::take() {
  int done = 0;
  MPI_Status status;
  check_mpi(MPI_Test(&requests_[next_], &done, &status), "MPI_Test");
  if (done == 0) return std::nullopt;
  int length = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &length), "MPI_Get_count");
  const char* begin = memory_.data() + next_ * envelope_bytes;
  Envelope envelope{status.MPI_SOURCE, std::string(begin, static_cast<std::size_t>(length))};
  post(next_);
  next_ = (next_ + 1) % count;
  return envelope;
}

void MpiSlots::close() {
  for (auto& request : requests_) {
    check_mpi(MPI_Cancel(&request), "MPI_Cancel");
    check_mpi(MPI_Request_free(&request), "MPI_Request_free");
  }
}

void MpiSlots::post(std::size_t slot) {
  check_mpi(MPI_Irecv(memory_.data() + slot * envelope_bytes, static_cast<int>(envelope_bytes),
                      MPI_BYTE, MPI_ANY_SOURCE, envelope_tag, comm_, &requests_[slot]),
            "MPI_Irecv");
}

}  // namespace sluice::transport
