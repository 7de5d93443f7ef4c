#include "transport/mpi_inbox.hpp"

#include "transport/mpi_check.hpp"
#include "transport/mpi_outbox.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transport {
namespace {

// So many new messages are taken in per call, so that a flood of them cannot hold up the rest.
constexpr int accepted_at_once = 64;

bool test(MPI_Request& request) {
  int done = 0;
  check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

}  // namespace

void MpiInbox::progress(std::deque<Arrival>& arrivals) {
  for (int i = 0; i < accepted_at_once && accept_envelope(); ++i) {
  }
  for (std::size_t i = 0; i < busy_.size();) {
    const Rank source = busy_[i];
    advance(source, arrivals);
    if (lanes_[static_cast<std::size_t>(source)].assemblies.empty()) {
      busy_[i] = busy_.back();
      busy_.pop_back();
    } else {
      ++i;
    }
  }
}

bool MpiInbox::probe(MPI_Message& handle, MPI_Status& status) {
  int found = 0;
  check_mpi(MPI_Improbe(MPI_ANY_SOURCE, envelope_tag, comm_, &found, &handle, &status),
            "MPI_Improbe");
  return found != 0;
}

bool MpiInbox::accept_envelope() {
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  // Twice: Open MPI looks through what it has fetched, and fetches what has come only when that
  // held nothing; so the second look is the one that tells.
  if (!probe(handle, status) && !probe(handle, status)) return false;
  int length = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &length), "MPI_Get_count");
  Lane& lane = lanes_[static_cast<std::size_t>(status.MPI_SOURCE)];
  if (lane.assemblies.empty()) busy_.push_back(status.MPI_SOURCE);
  Assembly& assembly = lane.assemblies.emplace_back();
  assembly.envelope.resize(static_cast<std::size_t>(length));
  check_mpi(
      MPI_Imrecv(assembly.envelope.data(), length, MPI_BYTE, &handle, &assembly.envelope_request),
      "MPI_Imrecv");
  return true;
}

// Envelopes are opened in the order sent, because the buffers come in that order too.
void MpiInbox::advance(Rank source, std::deque<Arrival>& arrivals) {
  auto& [assemblies, opened] = lanes_[static_cast<std::size_t>(source)];
  while (opened < assemblies.size() && test(assemblies[opened].envelope_request)) {
    open(assemblies[opened++], source);
  }
  while (opened > 0 && is_whole(assemblies.front())) {
    arrivals.push_back(finish(std::move(assemblies.front()), source));
    assemblies.pop_front();
    --opened;
  }
}

void MpiInbox::open(Assembly& assembly, Rank source) {
  assembly.seal = open_envelope(assembly.envelope);
  for (const std::uint64_t size : assembly.seal.buffer_sizes) {
    post(assembly, assembly.buffers.emplace_back(size), source);
  }
}

void MpiInbox::post(Assembly& assembly, Buffer& buffer, Rank source) {
  const std::size_t piece_bytes = assembly.seal.piece_bytes;
  for (std::size_t offset = 0; offset < buffer.size(); offset += piece_bytes) {
    const std::size_t size = std::min(piece_bytes, buffer.size() - offset);
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Irecv(buffer.mutable_data() + offset, static_cast<int>(size), MPI_BYTE, source,
                        buffer_tag, comm_, &request),
              "MPI_Irecv");
    assembly.buffer_requests.push_back(request);
  }
}

bool MpiInbox::is_whole(Assembly& assembly) {
  if (assembly.buffer_requests.empty()) return true;
  int done = 0;
  check_mpi(MPI_Testall(static_cast<int>(assembly.buffer_requests.size()),
                        assembly.buffer_requests.data(), &done, MPI_STATUSES_IGNORE),
            "MPI_Testall");
  return done != 0;
}

Arrival MpiInbox::finish(Assembly assembly, Rank source) {
  Message message{source, std::move(assembly.envelope), std::move(assembly.buffers)};
  if (assembly.seal.bytes_beside) {
    message.bytes = message.buffers.front().view();
    message.buffers.erase(message.buffers.begin());
  }
  return {assembly.seal.run, std::move(message)};
}

}  // namespace sluice::transport
