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

class Retries {
 public:
  Retries(const ErasedStage& stage, AnyStage& user, const EncodedBatch& batch,
          const std::function<void(ProcessResult)>& take, const CallHooks& hooks)
      : stage_(stage),
        user_(user),
        batch_(batch),
        take_(take),
        hooks_(hooks),
        attempts_(batch.size(), stage.spec.attempts) {}

  std::vector<store::DeadLetter> run() {
    while (const auto part = attempts_.next()) {
      if (const auto error = attempt(*part)) {
        failed(*part, *error);
      } else {
        attempts_.succeeded();
      }
      if (hooks_.between) hooks_.between();
    }
    return std::move(dead_);
  }

 private:
  struct Thrown {
    Failure failure;
    std::optional<std::size_t> at_fault;  ///< place in the part
  };

  EncodedBatch records(Attempts::Part part) const { return batch_.slice(part.first, part.count); }

  std::optional<Thrown> attempt(Attempts::Part part) {
    try {
      const bool whole = part.count == batch_.size();
      auto decoded = stage_.input->decode(whole ? batch_ : records(part));
      if (hooks_.before) hooks_.before(decoded);
      take_(user_.process(std::move(decoded)));
      return std::nullopt;
    } catch (const InvariantError&) {
      throw;
    } catch (...) {
      return thrown(part);
    }
  }

  Thrown thrown(Attempts::Part part) const {
    std::vector<std::uint64_t> origins;
    for (std::size_t i = 0; i < part.count; ++i)
      origins.push_back(batch_.id(part.first + i).origin);
    Thrown result{to_failure(std::current_exception(), where_stage(stage_.spec), origins), {}};
    try {
      throw;
    } catch (const RecordError& error) {
      result.at_fault = error.index;
    } catch (...) {  // it names no record
    }
    return result;
  }

  void failed(Attempts::Part part, Thrown thrown) {
    using Then = Attempts::Verdict::Then;
    log(part, thrown);
    const auto verdict = attempts_.failed(thrown.at_fault);
    if (verdict.then == Then::again) return;
    thrown.failure.attempts = verdict.tries;
    const bool no_fault_of_records = thrown.failure.code == ExitCode::io;
    if (no_fault_of_records) throw StageFailed{std::move(thrown.failure)};
    if (verdict.then == Then::poison) give_up(part, std::move(thrown.failure));
  }

  void log(Attempts::Part part, const Thrown& thrown) const {
    const auto at = part.first + thrown.at_fault.value_or(0);
    const LoggedRecord record(key_of({at, 1}));
    rank_log().warn("failed on a batch of {} (input {} and on): {}", part.count,
                    batch_.id(part.first).origin, thrown.failure.message);
  }

  void give_up(Attempts::Part part, Failure failure) {
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
  std::string key_of(Attempts::Part part) const {
    try {
      return stage_.input->key(stage_.input->decode(records(part)), 0);
    } catch (const std::exception&) {
      return {};
    }
  }

  const ErasedStage& stage_;
  AnyStage& user_;
  const EncodedBatch& batch_;
  const std::function<void(ProcessResult)>& take_;
  const CallHooks& hooks_;
  Attempts attempts_;
  std::vector<store::DeadLetter> dead_;
};

}  // namespace

bool keeps_batches(const StageSpec& spec) {
  return spec.attempts > 1 || spec.on_failure == OnFailure::dead_letter;
}

std::vector<store::DeadLetter> process_with_retries(const ErasedStage& stage, AnyStage& user,
                                                    const EncodedBatch& batch,
                                                    const std::function<void(ProcessResult)>& take,
                                                    const CallHooks& hooks) {
  return Retries(stage, user, batch, take, hooks).run();
}

}  // namespace sluice::runtime
