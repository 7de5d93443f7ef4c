#include "runtime/failure.hpp"

#include <sluice/batch.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::runtime {
namespace {

constexpr std::size_t most_keys_named = 3;

std::string name_records(const std::vector<std::uint64_t>& origins,
                         const std::function<std::string(std::size_t)>& key_of) {
  if (origins.size() == 1) return fmt::format(" on record '{}'", key_of(origins.front()));
  std::string keys;
  for (std::size_t i = 0; i < std::min(origins.size(), most_keys_named); ++i) {
    keys += fmt::format("{}'{}'", i == 0 ? "" : ", ", key_of(origins[i]));
  }
  const auto* more = origins.size() > most_keys_named ? ", …" : "";
  return fmt::format(" on a batch of {} records ({}{})", origins.size(), keys, more);
}

}  // namespace

Failure to_failure(const std::exception_ptr& error, const std::string& where,
                   const std::vector<std::uint64_t>& origins) {
  try {
    std::rethrow_exception(error);
  } catch (const RecordError& e) {
    if (e.index >= origins.size()) return {e.code(), where, e.what(), origins};
    return {e.code(), where, e.what(), {origins[e.index]}};
  } catch (const Error& e) {
    return {e.code(), where, e.what(), origins};
  } catch (const std::exception& e) {
    return {ExitCode::stage, where, e.what(), origins};
  } catch (...) {
    return {ExitCode::stage, where, "an exception that is no std::exception", origins};
  }
}

void throw_failure(const Failure& failure, const std::function<std::string(std::size_t)>& key_of) {
  if (failure.where.empty()) throw Error(failure.code, failure.message);
  const auto records = failure.origins.empty() ? "" : name_records(failure.origins, key_of);
  throw Error(failure.code,
              fmt::format("{} failed{}: {}", failure.where, records, failure.message));
}

}  // namespace sluice::runtime
