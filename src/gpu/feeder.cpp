#include "gpu/feeder.hpp"

#include "base/log.hpp"

#include <sluice/error.hpp>

#include <algorithm>

namespace sluice::gpu {
namespace {

std::uint64_t bytes_of(std::span<const Buffer> buffers) {
  std::uint64_t bytes = 0;
  for (const auto& buffer : buffers) bytes += buffer.size();
  return bytes;
}

}  // namespace

void Feeder::expect(control::BatchId batch, const EncodedBatch& records) {
  if (prefetch_.knows(batch)) return;
  const auto buffers = records.buffers();
  sources_[batch] = {buffers.begin(), buffers.end()};
  prefetch_.expect(batch, bytes_of(buffers));
  start_copies();
}

EncodedBatch Feeder::take(control::BatchId batch, EncodedBatch records) {
  const auto buffers = records.buffers();
  if (!prefetch_.knows(batch)) sources_[batch] = {buffers.begin(), buffers.end()};
  prefetch_.want(batch, bytes_of(buffers));
  start_copies();
  auto copies = copies_->take(batch);
  if (!prefetch_.is_copied(batch)) prefetch_.copied(batch);
  copying_.erase(batch);
  sources_.erase(batch);
  records.set_buffers(std::move(copies));
  start_copies();
  return records;
}

void Feeder::finished(control::BatchId batch) {
  prefetch_.gone(batch);
  start_copies();
}

void Feeder::forget() {
  for (const auto batch : copying_) copies_->drop(batch);
  copying_.clear();
  sources_.clear();
  prefetch_ = control::Prefetch(prefetch_.limits());
}

// Copies that are done make room for others. They stay with `copies_` until they are taken.
void Feeder::look() {
  for (const auto batch : copying_) {
    if (!prefetch_.is_copied(batch) && copies_->done(batch)) prefetch_.copied(batch);
  }
}

void Feeder::start_copies() {
  look();
  const auto batches = prefetch_.start();
  for (auto it = batches.begin(); it != batches.end(); ++it) {
    try {
      start_copy(*it);
    } catch (const Error&) {
      const bool wanted = prefetch_.is_wanted(*it);
      if (!wanted) {
        prefetch_.postponed(*it);
        continue;
      }
      std::for_each(it, batches.end(), [this](auto batch) { prefetch_.postponed(batch); });
      throw;
    }
  }
}

// Throws what the device says if there is no room, for what is wanted even with nothing else there.
void Feeder::start_copy(control::BatchId batch) {
  while (true) {
    try {
      copies_->start(batch, sources_.at(batch));
      copying_.insert(batch);
      return;
    } catch (const Error&) {
      if (!prefetch_.is_wanted(batch) || !make_room()) throw;
    }
  }
}

// What came last gives up its room, and is copied again later. False if nothing is there.
bool Feeder::make_room() {
  if (copying_.empty()) return false;
  const auto batch = *copying_.rbegin();
  copying_.erase(batch);
  prefetch_.postponed(batch);
  try {
    copies_->take(batch);  // its room is free when its copy has ended
  } catch (const Error& error) {
    rank_log().warn("a batch is copied to the GPU again: {}", error.what());
  }
  return true;
}

}  // namespace sluice::gpu
