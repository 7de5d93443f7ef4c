#include "base/remarks.hpp"

#include "base/log.hpp"

#include <sluice/remark.hpp>

#include <optional>
#include <utility>

namespace sluice {
namespace {

struct OfThread {
  Remarks::Say when;
  NewRemarks news{Remarks::most};
  std::vector<std::string> waiting = {};
};

thread_local std::optional<OfThread> mine;

}  // namespace

std::optional<std::string> NewRemarks::take(const std::string& text) {
  if (full_ || said_.contains(text)) return std::nullopt;
  full_ = said_.size() == most_;
  if (full_) return "more is remarked than can be shown: see the logs of the ranks";
  said_.insert(text);
  return text;
}

Remarks::Remarks(Say when) { mine.emplace(OfThread{when}); }

Remarks::~Remarks() { mine.reset(); }

std::vector<std::string> Remarks::take() {
  if (!mine) return {};
  return std::exchange(mine->waiting, {});
}

void remark(const std::string& text) {
  if (!mine) return run_log().warn("{}", text);
  const bool later = mine->when == Remarks::Say::later;
  if (later) rank_log().warn("{}", text);
  auto news = mine->news.take(text);
  if (!news) return;
  if (!later) return run_log().warn("{}", *news);
  mine->waiting.push_back(*std::move(news));
}

}  // namespace sluice
