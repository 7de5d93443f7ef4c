#include "runtime/failure.hpp"

#include "base/safe_text.hpp"

#include <sluice/batch.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::runtime {
namespace {

constexpr std::size_t most_keys_named = 3;

std::string name_records(const std::vector<std::uint64_t>& origins,
                         const std::function<std::string(std::size_t)>& key_of) {
  if (origins.size() == 1) return fmt::format(" on record '{}'", one_line(key_of(origins.front())));
  std::string keys;
  for (std::size_t i = 0; i < std::min(origins.size(), most_keys_named); ++i) {
    keys += fmt::format("{}'{}'", i == 0 ? "" : ", ", one_line(key_of(origins[i])));
  }
  const auto* more = origins.size() > most_keys_named ? ", …" : "";
  return fmt::format(" on a batch of {} records ({}{})", origins.size(), keys, more);
}

}  // namespace

std::string where_stage(const StageSpec& spec) {
  return fmt::format("stage '{}'", one_line(spec.name));
}

Failure to_failure(const std::exception_ptr& error, const std::string& where,
                   const std::vector<std::uint64_t>& origins) {
  try {
    std::rethrow_exception(error);
  } catch (const RecordError& e) {
    if (e.index >= origins.size()) return {e.code(), where, e.what(), origins, 1};
    return {e.code(), where, e.what(), {origins[e.index]}, 1};
  } catch (const Error& e) {
    return {e.code(), where, e.what(), origins, 1};
  } catch (const std::exception& e) {
    return {ExitCode::stage, where, e.what(), origins, 1};
  } catch (...) {
    return {ExitCode::stage, where, "an exception that is no std::exception", origins, 1};
  }
}

void throw_failure(const Failure& failure, const std::function<std::string(std::size_t)>& key_of) {
  if (failure.where.empty()) throw Error(failure.code, failure.message);
  const auto records = failure.origins.empty() ? "" : name_records(failure.origins, key_of);
  const auto tries =
      failure.attempts == 1 ? "" : fmt::format(" after {} attempts", failure.attempts);
  throw Error(failure.code,
              fmt::format("{} failed{}{}: {}", failure.where, records, tries, failure.message));
}

}  // namespace sluice::runtime
