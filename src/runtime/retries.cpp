#include "runtime/retries.hpp"

#include "base/log.hpp"
#include "control/attempts.hpp"
#include "runtime/failure.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace sluice::runtime {
namespace {

using control::Attempts;

std::string utc_now() {
  const auto now = std::chrono::system_clock::now();
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

// RecordPath's four bytes a split, as numbers.
std::vector<std::uint32_t> numbers_of(std::string_view path) {
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i % 4 == 0) numbers.push_back(0);
    numbers.back() = numbers.back() << 8U | static_cast<unsigned char>(path[i]);
  }
  return numbers;
}

// The place in the part of the record that the error names.
std::optional<std::size_t> at_fault(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const InvariantError&) {
    throw;
  } catch (const GroupInterrupted&) {
    throw;
  } catch (const RecordError& named) {
    return named.index;
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace

bool keeps_batches(const StageSpec& spec) {
  return spec.attempts > 1 || spec.on_failure == OnFailure::dead_letter;
}

AnyBatch Retries::decode(Part part) const {
  if (part.count == batch_.size()) return stage_.input->decode(batch_);
  return stage_.input->decode(batch_.slice(part.first, part.count));
}

std::vector<std::uint64_t> Retries::origins(Part part) const {
  std::vector<std::uint64_t> origins;
  origins.reserve(part.count);
  for (std::size_t i = 0; i < part.count; ++i) origins.push_back(batch_.id(part.first + i).origin);
  return origins;
}

void Retries::failed(const std::exception_ptr& error) {
  using Then = Attempts::Verdict::Then;
  const auto fault = at_fault(error);
  const auto part = attempts_.next().value();
  auto failure = to_failure(error, where_stage(stage_.spec), origins(part));
  if (!keeps_batches(stage_.spec)) throw StageFailed{std::move(failure)};
  log(part, fault.value_or(0), failure.message);
  const auto verdict = attempts_.failed(fault);
  if (verdict.then == Then::again) return;
  failure.attempts = verdict.tries;
  const bool no_fault_of_records = failure.code == ExitCode::io;
  if (no_fault_of_records) throw StageFailed{std::move(failure)};
  if (verdict.then == Then::poison) give_up(part, std::move(failure));
}

void Retries::log(Part part, std::size_t at_fault, const std::string& message) const {
  const auto at = part.first + at_fault;
  const LoggedRecord record(key_of({at, 1}));
  rank_log().warn("failed on a batch of {} (input {} and on): {}", part.count,
                  batch_.id(part.first).origin, message);
}

void Retries::give_up(Part part, Failure failure) {
  if (stage_.spec.on_failure == OnFailure::fail) throw StageFailed{std::move(failure)};
  const auto& id = batch_.id(part.first);
  store::DeadLetter letter;
  letter.input = id.origin;
  letter.path = numbers_of(id.path);
  letter.record = key_of(part);
  letter.stage = stage_.spec.name;
  letter.error = std::move(failure.message);
  letter.attempts = failure.attempts;
  letter.time = utc_now();
  dead_.push_back(std::move(letter));
}

// What cannot be decoded has no key.
std::string Retries::key_of(Part part) const {
  try {
    return stage_.input->key(decode(part), 0);
  } catch (const std::exception&) {
    return {};
  }
}

std::vector<store::DeadLetter> process_with_retries(const ErasedStage& stage, AnyStage& user,
                                                    EncodedBatch batch,
                                                    const std::function<void(ProcessResult)>& take,
                                                    const CallHooks& hooks) {
  Retries retries(stage, std::move(batch));
  while (const auto part = retries.next()) {
    try {
      auto decoded = retries.decode(*part);
      if (hooks.before) hooks.before(decoded);
      take(user.process(std::move(decoded)));
      retries.succeeded();
    } catch (...) {
      retries.failed(std::current_exception());
    }
    if (hooks.between) hooks.between();
  }
  return retries.take_dead();
}

}  // namespace sluice::runtime
