#include "base/remarks.hpp"

#include "base/log.hpp"

#include <sluice/remark.hpp>

#include <optional>
#include <utility>

namespace sluice {
namespace {

thread_local std::optional<std::vector<std::string>> waiting;

}  // namespace

Remarks::Remarks() { waiting.emplace(); }

Remarks::~Remarks() { waiting.reset(); }

std::vector<std::string> Remarks::take() {
  if (!waiting) return {};
  return std::exchange(*waiting, {});
}

void remark(const std::string& text) {
  if (!waiting) return run_log().warn("{}", text);
  rank_log().warn("{}", text);
  waiting->push_back(text);
}

}  // namespace sluice
