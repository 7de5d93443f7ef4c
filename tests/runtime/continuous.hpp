#pragma once

#include "runtime/pipelines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::testing {

/// Stamps records on a thread of its own, which answers once as many batches are inside as `gather`
/// says, or no other comes for a while: the last of them first. Adds how many were inside.
class Crowd : public ContinuousStage<Item, Item> {
 public:
  struct Wishes {
    std::size_t gather = 1;
    int fails_at = -1;       ///< a number whose record is refused
    int fails_first = 0;     ///< that many times
    int loses_at = -1;       ///< a number with which all that is inside is lost
    int loses_first = 1000;  ///< that many times
  };

  explicit Crowd(Wishes wishes) : wishes_(wishes) {}
  Crowd(const Crowd& other) : ContinuousStage(other), wishes_(other.wishes_) {}
  ~Crowd() override { stop(); }

  void setup(const WorkerContext&) override {
    over_ = false;
    thread_ = std::thread([this] { run(); });
  }
  void teardown() override { stop(); }

  void submit(std::uint64_t ticket, Batch<Item> batch) override {
    {
      const std::lock_guard lock(mutex_);
      inside_.push_back({ticket, std::move(batch)});
    }
    changed_.notify_one();
  }
  std::optional<Answer<Item>> poll() override {
    const std::lock_guard lock(mutex_);
    if (answers_.empty()) return std::nullopt;
    auto answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  void wake_with(std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

 private:
  using Given = std::pair<std::uint64_t, Batch<Item>>;

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      const auto enough = [this] { return over_ || inside_.size() >= wishes_.gather; };
      if (!changed_.wait_for(lock, std::chrono::milliseconds(30), enough) && inside_.empty())
        continue;
      if (over_) return;
      if (!lose_all()) answer_last();
      if (wake_) wake_();
    }
  }

  static bool has(Given& given, int number) {
    return std::any_of(given.second.begin(), given.second.end(),
                       [number](const Item& item) { return item.number == number; });
  }

  bool lose_all() {
    const auto at = std::find_if(inside_.begin(), inside_.end(),
                                 [this](Given& given) { return has(given, wishes_.loses_at); });
    if (at == inside_.end() || wishes_.loses_first == 0) return false;
    --wishes_.loses_first;
    const auto error = std::make_exception_ptr(std::runtime_error("it is gone"));
    for (const auto& given : std::exchange(inside_, {})) {
      answers_.push_back({given.first, Outcome::lost, {}, error});
    }
    return true;
  }

  void answer_last() {
    const auto most = inside_.size();
    auto [ticket, batch] = std::move(inside_.back());
    inside_.pop_back();
    Answer<Item> answer{ticket, Outcome::done, Emitter<Item>(batch.size()), {}};
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].number == wishes_.fails_at && wishes_.fails_first > 0) {
        --wishes_.fails_first;
        answers_.push_back(
            {ticket, Outcome::failed, {}, std::make_exception_ptr(RecordError(i, "refused"))});
        return;
      }
      batch[i].trail += fmt::format("{}", most);
      answer.outputs->emit(i, batch[i]);
    }
    answers_.push_back(std::move(answer));
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  Wishes wishes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Given> inside_;
  std::deque<Answer<Item>> answers_;
  std::function<void()> wake_;
  bool over_ = false;
  std::thread thread_;
};

/// The number of batches that were inside with each output's.
inline int crowd_of(const Item& item) { return item.trail.empty() ? 0 : std::stoi(item.trail); }

inline int largest_crowd(const std::vector<Item>& items) {
  int most = 0;
  for (const auto& item : items) most = std::max(most, crowd_of(item));
  return most;
}

inline std::vector<int> numbers(const std::vector<Item>& items) {
  std::vector<int> found;
  for (const auto& item : items) found.push_back(item.number);
  std::sort(found.begin(), found.end());
  return found;
}

inline std::vector<int> numbers_below(int end, int but = -1) {
  std::vector<int> found;
  for (int i = 0; i < end; ++i) {
    if (i != but) found.push_back(i);
  }
  return found;
}

}  // namespace sluice::testing
