#include "control/worker_flow.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::control {

void WorkerFlow::arrived(BatchId batch, std::uint64_t records, std::uint64_t total) {
  auto& contents = filling(batch);
  contents.records += records;
  complete(batch, contents, total);
}

void WorkerFlow::sealed(BatchId batch, std::uint64_t total) {
  complete(batch, filling(batch), total);
}

std::optional<BatchId> WorkerFlow::take() {
  if (running_ + outputs_.size() >= depth_) return std::nullopt;
  const auto batch = next();
  if (!batch) return std::nullopt;
  gate_.erase(*batch);
  ++running_;
  return batch;
}

std::optional<BatchId> WorkerFlow::next() const {
  const auto whole = std::find_if(gate_.begin(), gate_.end(), [](const auto& entry) {
    return entry.second.total > 0 && entry.second.records == entry.second.total;
  });
  return whole == gate_.end() ? std::nullopt : std::optional(whole->first);
}

void WorkerFlow::finished(std::uint64_t outputs) {
  if (running_ == 0) throw InvariantError("a worker finished a batch it had not taken");
  --running_;
  made_nothing_ = outputs == 0;
  if (made_nothing_) return;
  outputs_.push_back(outputs);
  backlog_ += outputs;
}

void WorkerFlow::granted(std::uint64_t records) {
  const auto waiting = outputs_.empty() ? 0 : outputs_.front();
  if (records > waiting) {
    throw InvariantError("a grant of " + std::to_string(records) +
                         " records exceeds the outputs of a batch, " + std::to_string(waiting));
  }
  backlog_ -= records;
  outputs_.front() -= records;
  if (outputs_.front() == 0) outputs_.pop_front();
}

void WorkerFlow::granted_ahead(const GrantAhead& order) {
  if (ahead_) throw InvariantError("a worker was told twice where its next outputs go");
  ahead_ = order;
  made_nothing_ = false;
}

std::optional<Grant> WorkerFlow::due_grant() {
  if (!ahead_ || outputs_.empty()) return std::nullopt;
  const auto order = *std::exchange(ahead_, std::nullopt);
  const auto records = std::min(outputs_.front(), order.most);
  granted(records);
  return Grant{order.producer,
               order.consumer,
               order.batch,
               records,
               records == order.most ? records : 0,
               true};
}

std::optional<Declined> WorkerFlow::decline() {
  if (!ahead_ || !(made_nothing_ || empty())) return std::nullopt;
  const auto order = *std::exchange(ahead_, std::nullopt);
  return Declined{order.producer, order.channel, order.batch};
}

Shares WorkerFlow::shares() const {
  const auto depth = static_cast<double>(depth_);
  const double running = static_cast<double>(running_) / depth;
  const double blocked = static_cast<double>(outputs_.size()) / depth;
  return {running, 1 - running - blocked, blocked};
}

WorkerFlow::Filling& WorkerFlow::filling(BatchId batch) {
  auto& contents = gate_[batch];
  if (gate_.size() > prefetch_) {
    throw InvariantError("batch " + std::to_string(batch) + " arrived without a free slot");
  }
  return contents;
}

void WorkerFlow::complete(BatchId batch, Filling& contents, std::uint64_t total) {
  if (total > 0 && contents.total > 0 && total != contents.total) {
    throw InvariantError("batch " + std::to_string(batch) + " was sealed with two sizes");
  }
  contents.total = std::max(contents.total, total);
  if (contents.total > 0 && contents.records > contents.total) {
    throw InvariantError("batch " + std::to_string(batch) + " got more records than it has");
  }
}

}  // namespace sluice::control
