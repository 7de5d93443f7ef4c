#include "transport/local.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace sluice::transport {
namespace {

// What others put into a rank's hands. Shared by all ends.
class Mailbox {
 public:
  void put(Message message) {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    arrived_.notify_one();
  }

  void notify() {
    {
      const std::lock_guard lock(mutex_);
      notified_ = true;
    }
    arrived_.notify_one();
  }

  std::optional<Message> take() {
    const std::lock_guard lock(mutex_);
    if (messages_.empty()) return std::nullopt;
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  void wait(std::chrono::nanoseconds longest) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, longest, [this] { return notified_ || !messages_.empty(); });
    notified_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Message> messages_;
  bool notified_ = false;
};

using Mailboxes = std::vector<Mailbox>;

class LocalTransport final : public Transport {
 public:
  LocalTransport(Rank rank, std::shared_ptr<Mailboxes> mailboxes)
      : rank_(rank), mailboxes_(std::move(mailboxes)) {}

  Rank rank() const override { return rank_; }
  int size() const override { return static_cast<int>(mailboxes_->size()); }
  int node_of(Rank) const override { return 0; }
  int nodes() const override { return 1; }

  void send(Message message) override {
    auto& mailbox = mailboxes_->at(static_cast<std::size_t>(message.peer));
    message.peer = rank_;
    mailbox.put(std::move(message));
  }

  std::optional<Message> receive() override { return own().take(); }
  void wait(std::chrono::nanoseconds longest) override { own().wait(longest); }
  void notify() override { own().notify(); }
  bool between_processes() const noexcept override { return false; }
  bool flush(std::chrono::nanoseconds) override { return true; }
  void begin_absence() override {}  // a message needs nobody's help to arrive
  void end_absence() override {}
  void say_in_absence(Message, std::chrono::nanoseconds) override {}  // threads die with the others

 private:
  Mailbox& own() { return (*mailboxes_)[static_cast<std::size_t>(rank_)]; }

  Rank rank_;
  std::shared_ptr<Mailboxes> mailboxes_;
};

}  // namespace

std::vector<std::unique_ptr<Transport>> make_local_ranks(int size) {
  auto mailboxes = std::make_shared<Mailboxes>(static_cast<std::size_t>(size));
  std::vector<std::unique_ptr<Transport>> ranks;
  ranks.reserve(mailboxes->size());
  for (Rank rank = 0; rank < size; ++rank) {
    ranks.push_back(std::make_unique<LocalTransport>(rank, mailboxes));
  }
  return ranks;
}

}  // namespace sluice::transport
