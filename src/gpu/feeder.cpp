#include "gpu/feeder.hpp"

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
  for (const auto batch : prefetch_.start()) {
    copies_->start(batch, std::move(sources_.extract(batch).mapped()));
    copying_.insert(batch);
  }
}

}  // namespace sluice::gpu
