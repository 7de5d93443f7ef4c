#include "store/http_client.hpp"

#include "store/backoff.hpp"
#include "store/http_transfer.hpp"

#include <sluice/error.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <random>
#include <utility>

namespace sluice::store {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Servers say these when they are overloaded, restarting or cut off; the last two are S3's.
bool may_pass(const HttpRequest& request, const HttpResponse& response) {
  if (response.status == 0) return response.may_pass;
  constexpr std::array<int, 6> statuses{408, 429, 500, 502, 503, 504};
  if (std::find(statuses.begin(), statuses.end(), response.status) != statuses.end()) return true;
  const auto says = [&](std::string_view code) {
    return response.body.view().find(code) != std::string_view::npos;
  };
  if (response.status == 400) return says("<Code>RequestTimeout</Code>");
  if (response.status == 409) return says("<Code>ConditionalRequestConflict</Code>");
  // A multipart upload that cannot be completed just now says so with status 200.
  return request.method == HttpRequest::Method::post && response.status == 200 &&
         says("<Code>InternalError</Code>");
}

void check(CURLMcode code) {
  if (code == CURLM_OK) return;
  throw IoError(std::string("libcurl failed: ").append(curl_multi_strerror(code)));
}

/// A request from its start to its end, over all attempts.
struct Slot {
  HttpTransfer transfer;
  std::size_t index = 0;
  HttpRequest request;
  unsigned attempts = 0;
  Clock::time_point since;
  std::optional<Clock::time_point> again_at;  ///< waits for its next attempt until then
};

}  // namespace

class HttpClient::Connections {
 public:
  explicit Connections(HttpSettings settings)
      : settings_(std::move(settings)), multi_(curl_multi_init()), random_(std::random_device()()) {
    if (multi_ == nullptr) throw IoError("libcurl cannot be initialised; is there memory left?");
  }
  ~Connections() {
    stop();
    slots_.clear();
    curl_multi_cleanup(multi_);
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  void run(std::size_t count, std::size_t most_in_flight, const Make& make, const Done& done);

 private:
  void start(std::size_t index, const Make& make);
  void attempt(Slot& slot);
  void attempt_again();
  void take_results(const Done& done);
  void ended(Slot& slot, HttpResponse response, const Done& done);
  bool tries_again(Slot& slot, const HttpResponse& response);
  void wait();
  void stop();

  HttpSettings settings_;
  CURLM* multi_;
  std::mt19937_64 random_;
  std::deque<Slot> slots_;
  std::vector<Slot*> free_;
  std::vector<Slot*> active_;
  Clock::time_point last_warning_;
};

void HttpClient::Connections::run(std::size_t count, std::size_t most_in_flight, const Make& make,
                                  const Done& done) try {
  check(curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(most_in_flight)));
  std::size_t next = 0;
  while (next < count || !active_.empty()) {
    while (next < count && active_.size() < most_in_flight) start(next++, make);
    attempt_again();
    int running = 0;
    check(curl_multi_perform(multi_, &running));
    const auto active = active_.size();
    take_results(done);
    if (active_.size() == active) wait();
  }
} catch (...) {
  stop();
  throw;
}

void HttpClient::Connections::start(std::size_t index, const Make& make) {
  auto request = make(index);
  if (free_.empty()) free_.push_back(&slots_.emplace_back());
  auto& slot = *free_.back();
  free_.pop_back();
  active_.push_back(&slot);
  slot.index = index;
  slot.request = std::move(request);
  slot.attempts = 0;
  slot.since = Clock::now();
  attempt(slot);
}

void HttpClient::Connections::attempt(Slot& slot) {
  slot.again_at.reset();
  ++slot.attempts;
  slot.transfer.prepare(slot.request, settings_);
  check(curl_multi_add_handle(multi_, slot.transfer.handle()));
}

void HttpClient::Connections::attempt_again() {
  const auto now = Clock::now();
  for (auto* slot : active_) {
    if (slot->again_at && *slot->again_at <= now) attempt(*slot);
  }
}

void HttpClient::Connections::take_results(const Done& done) {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_, &left)) {
    auto* handle = message->easy_handle;
    const auto result = message->data.result;
    const auto slot = std::find_if(active_.begin(), active_.end(), [&](const Slot* active) {
      return active->transfer.handle() == handle;
    });
    check(curl_multi_remove_handle(multi_, handle));
    ended(**slot, (*slot)->transfer.finish(result), done);
  }
}

void HttpClient::Connections::ended(Slot& slot, HttpResponse response, const Done& done) {
  response.attempts = slot.attempts;
  if (may_pass(slot.request, response) && tries_again(slot, response)) return;
  std::erase(active_, &slot);
  free_.push_back(&slot);
  done(slot.index, std::move(response));
}

bool HttpClient::Connections::tries_again(Slot& slot, const HttpResponse& response) {
  const auto now = Clock::now();
  const auto again_at = now + backoff(slot.attempts, random_);
  if (again_at - slot.since > settings_.retry_for) return false;
  if (settings_.most_attempts > 0 && slot.attempts >= settings_.most_attempts) return false;
  slot.again_at = again_at;
  constexpr auto quiet = std::chrono::seconds(10);
  if (slot.attempts > 5 && now - last_warning_ > quiet) {
    last_warning_ = now;
    spdlog::warn("the object store does not answer as it should ({}); trying again for up to {} s",
                 response.status == 0 ? response.error : fmt::format("status {}", response.status),
                 settings_.retry_for.count() / 1000);
  }
  return true;
}

// Until something arrives, or the next attempt is due.
void HttpClient::Connections::wait() {
  auto longest = milliseconds(1000);
  const auto now = Clock::now();
  for (const auto* slot : active_) {
    if (!slot->again_at) continue;
    const auto left = std::chrono::ceil<milliseconds>(*slot->again_at - now);
    longest = std::clamp(left, milliseconds(0), longest);
  }
  check(curl_multi_poll(multi_, nullptr, 0, static_cast<int>(longest.count()), nullptr));
}

// Leaves nothing under way.
void HttpClient::Connections::stop() {
  for (auto* slot : active_) {
    curl_multi_remove_handle(multi_, slot->transfer.handle());
    free_.push_back(slot);
  }
  active_.clear();
}

HttpClient::HttpClient(HttpSettings settings)
    : connections_(std::make_unique<Connections>(std::move(settings))) {}

HttpClient::~HttpClient() = default;

void HttpClient::run(std::size_t count, std::size_t most_in_flight, const Make& make,
                     const Done& done) {
  connections_->run(count, std::max<std::size_t>(1, most_in_flight), make, done);
}

}  // namespace sluice::store
