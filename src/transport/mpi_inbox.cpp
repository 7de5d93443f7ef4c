#include "transport/mpi_inbox.hpp"

#include "transport/mpi_check.hpp"
#include "transport/mpi_outbox.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transport {
namespace {

// So many new messages are taken in per call, so that a flood of them cannot hold up the rest.
constexpr int accepted_at_once = 64;

std::vector<Buffer> borrow_all(const Seal& seal) {
  std::vector<Buffer> buffers;
  for (const auto& [size, handle] : seal.attachments) buffers.push_back(borrow(handle, size));
  return buffers;
}

}  // namespace

void MpiInbox::progress(std::deque<Arrival>& arrivals) {
  for (int i = 0; i < accepted_at_once; ++i) {
    auto envelope = slots_.take();
    if (!envelope) break;
    accept(envelope->source, std::move(envelope->bytes), arrivals);
  }
  for (std::size_t i = 0; i < busy_.size();) {
    const Rank source = busy_[i];
    advance(source, arrivals);
    if (lane(source).assemblies.empty()) {
      busy_[i] = busy_.back();
      busy_.pop_back();
    } else {
      ++i;
    }
  }
}

void MpiInbox::accept(Rank source, std::string envelope, std::deque<Arrival>& arrivals) {
  auto& from = lane(source);
  Seal seal = open_envelope(envelope);
  if (from.forgotten) return give_back_lent(seal, 0);
  if (seal.number != from.next) {
    from.early.emplace(seal.number, Early{std::move(envelope), std::move(seal)});
    return;
  }
  ++from.next;
  begin(source, std::move(envelope), std::move(seal), arrivals);
  while (!from.early.empty()) {
    auto next = from.early.extract(from.next);
    if (next.empty()) return;
    ++from.next;
    begin(source, std::move(next.mapped().envelope), std::move(next.mapped().seal), arrivals);
  }
}

void MpiInbox::begin(Rank source, std::string envelope, Seal seal, std::deque<Arrival>& arrivals) {
  auto& assemblies = lane(source).assemblies;
  const bool is_first = assemblies.empty();
  // Most messages have come with their envelope.
  if (is_first && std::all_of(seal.attachments.begin(), seal.attachments.end(),
                              [](const auto& each) { return each.is_lent(); })) {
    arrivals.push_back({seal.run, {source, std::move(envelope), borrow_all(seal)}, false});
    return;
  }
  if (is_first) busy_.push_back(source);
  assemblies.push_back({std::move(envelope), std::move(seal), {}, {}});
}

// Buffers are asked for in the order sent, because that is how they come.
void MpiInbox::advance(Rank source, std::deque<Arrival>& arrivals) {
  auto& assemblies = lane(source).assemblies;
  auto& opened = lane(source).opened;
  while (opened < assemblies.size() && open(assemblies[opened], source)) ++opened;
  while (opened > 0 && is_whole(assemblies.front())) {
    auto& whole = assemblies.front();
    const bool fetched = !whole.requests.empty();
    arrivals.push_back(
        {whole.seal.run, {source, std::move(whole.envelope), std::move(whole.buffers)}, fetched});
    assemblies.pop_front();
    --opened;
  }
}

// False while the envelope itself has not come yet.
bool MpiInbox::open(Assembly& assembly, Rank source) {
  if (assembly.seal.wrapped) {
    if (assembly.buffers.empty()) find_buffers(assembly, source);
    if (!is_whole(assembly)) return false;
    unwrap(assembly);
  }
  find_buffers(assembly, source);
  return true;
}

void MpiInbox::unwrap(Assembly& assembly) {
  assembly.envelope = assembly.buffers.front().view();
  assembly.seal = open_envelope(assembly.envelope);
  assembly.buffers.clear();
  assembly.requests.clear();
}

void MpiInbox::find_buffers(Assembly& assembly, Rank source) {
  // Goes on where it failed: no buffer is asked for, or handle borrowed, twice.
  const auto& attachments = assembly.seal.attachments;
  for (auto i = assembly.buffers.size(); i < attachments.size(); ++i) {
    const auto& attachment = attachments[i];
    if (attachment.is_lent()) {
      assembly.buffers.push_back(borrow(attachment.handle, attachment.size));
    } else {
      ask_for(assembly, assembly.buffers.emplace_back(attachment.size), source);
    }
  }
}

void MpiInbox::ask_for(Assembly& assembly, Buffer& buffer, Rank source) {
  const std::size_t piece_bytes = assembly.seal.piece_bytes;
  for (std::size_t offset = 0; offset < buffer.size(); offset += piece_bytes) {
    const std::size_t size = std::min(piece_bytes, buffer.size() - offset);
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Irecv(buffer.mutable_data() + offset, static_cast<int>(size), MPI_BYTE, source,
                        buffer_tag, comm_, &request),
              "MPI_Irecv");
    assembly.requests.push_back(request);
  }
}

void MpiInbox::forget(Rank rank) {
  auto& from = lane(rank);
  from.forgotten = true;
  for (auto& assembly : from.assemblies) abandon(assembly);
  for (const auto& [number, early] : from.early) give_back_lent(early.seal, 0);
  from.assemblies.clear();
  from.early.clear();
  from.opened = 0;
  std::erase(busy_, rank);
}

// Lent buffers may be another's than the sender's, who then gets them back.
void MpiInbox::abandon(Assembly& assembly) {
  give_back_lent(assembly.seal, assembly.buffers.size());
  for (std::size_t i = 0; i < assembly.buffers.size(); ++i) {
    if (assembly.seal.attachments[i].is_lent()) assembly.buffers[i] = {};
  }
  if (!assembly.requests.empty()) forgotten_.push_back(std::move(assembly));
}

void MpiInbox::give_back_lent(const Seal& seal, std::size_t first) {
  for (std::size_t i = first; i < seal.attachments.size(); ++i) {
    if (seal.attachments[i].is_lent()) give_back(seal.attachments[i].handle);
  }
}

bool MpiInbox::is_whole(Assembly& assembly) {
  if (assembly.requests.empty()) return true;
  int done = 0;
  check_mpi(MPI_Testall(static_cast<int>(assembly.requests.size()), assembly.requests.data(), &done,
                        MPI_STATUSES_IGNORE),
            "MPI_Testall");
  return done != 0;
}

}  // namespace sluice::transport
