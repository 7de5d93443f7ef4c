#include "runtime/group_calls.hpp"

#include "process/died.hpp"

#include <sluice/batch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::runtime {
namespace {

using Kind = GroupCall::Kind;
using Outcome = GroupEnded::Outcome;

constexpr int most_setups = 3;

GroupEnded ended_with(const std::exception_ptr& error, const GroupLink& link) {
  GroupEnded end;
  end.outcome = link.is_aborted() ? Outcome::aborted : Outcome::failed;
  try {
    std::rethrow_exception(error);
  } catch (const GroupInterrupted&) {
    throw;
  } catch (const process::ProcessDied& e) {
    end.message = e.what();
    end.outcome = Outcome::broken;
  } catch (const RecordError& e) {
    end.message = e.what();
    end.code = e.code();
    end.record = static_cast<std::int64_t>(e.index);
  } catch (const Error& e) {
    end.message = e.what();
    end.code = e.code();
  } catch (const std::exception& e) {
    end.message = e.what();
  } catch (...) {
    end.message = "an exception that is no std::exception";
  }
  return end;
}

/// This rank's part of a call, and its error if it has one.
template <class Body>
std::pair<GroupEnded, std::exception_ptr> attempt(const GroupLink& link, Body body) {
  try {
    body();
  } catch (...) {
    return {ended_with(std::current_exception(), link), std::current_exception()};
  }
  GroupEnded end;
  if (!link.is_aborted()) return {end, nullptr};
  end.outcome = Outcome::aborted;  // though user code went on
  end.message = "another rank of the group failed";
  return {end, std::make_exception_ptr(StageError(end.message))};
}

[[noreturn]] void throw_as(const GroupEnded& end) {
  const auto text = fmt::format("rank {} of the group: {}", end.from, end.message);
  if (end.record >= 0) throw RecordError(static_cast<std::size_t>(end.record), text, end.code);
  throw StageError(text, end.code);
}

class GroupStage final : public AnyStage {
 public:
  GroupStage(const RecordType& input, StageFactory make, std::shared_ptr<GroupLink> link)
      : input_(input), make_(std::move(make)), link_(std::move(link)), user_(make_()) {}

  void setup_on_node(const WorkerContext& context) override { user_->setup_on_node(context); }

  void setup(const WorkerContext& context) override {
    context_ = context;
    context_.group = link_;
    together(Kind::setup, {}, [this] { user_->setup(context_); });
  }

  ProcessResult process(AnyBatch batch) override {
    if (out_of_step_) set_up_again();
    auto encoded = input_.encode(std::move(batch));
    ProcessResult result;
    together(Kind::process, encoded, [&] {
      auto decoded = input_.decode(encoded);
      encoded = {};
      result = user_->process(std::move(decoded));
    });
    return result;
  }

  void teardown() override {
    together(Kind::teardown, {}, [this] { user_->teardown(); });
  }

 private:
  // The error of a rank that failed by itself counts, this one's first; who was only stopped knows
  // less.
  template <class Body>
  void together(Kind kind, const EncodedBatch& batch, Body body) {
    link_->call(kind, bring_home(batch));  // no message can be read out of a device
    const auto [mine, error] = attempt(*link_, body);
    link_->end(mine);
    const auto others = link_->wait_for_others();
    const GroupEnded* cause = nullptr;
    bool in_step = mine.outcome == Outcome::done || mine.outcome == Outcome::failed;
    for (const auto& end : others) {
      in_step = in_step && (end.outcome == Outcome::done || end.outcome == Outcome::failed);
      const bool by_itself = end.outcome == Outcome::failed || end.outcome == Outcome::broken;
      if (by_itself && cause == nullptr) cause = &end;
    }
    if (!in_step) out_of_step_ = true;
    if (error && (mine.outcome != Outcome::aborted || cause == nullptr)) {
      std::rethrow_exception(error);
    }
    if (cause != nullptr) throw_as(*cause);
    if (!in_step)
      throw_as(*std::find_if(others.begin(), others.end(),
                             [](const auto& end) { return end.outcome == Outcome::aborted; }));
  }

  void set_up_again() {
    for (int tries = 1;; ++tries) {
      try {
        user_ = make_();
        out_of_step_ = false;
        return setup(context_);
      } catch (const std::exception& error) {
        out_of_step_ = true;
        if (tries < most_setups) continue;
        throw StageError(fmt::format("the group cannot be set up again: {}", error.what()));
      }
    }
  }

  const RecordType& input_;
  StageFactory make_;
  std::shared_ptr<GroupLink> link_;
  std::unique_ptr<AnyStage> user_;
  WorkerContext context_;
  bool out_of_step_ = false;
};

}  // namespace

ErasedStage grouped(const ErasedStage& stage, std::shared_ptr<GroupLink> link) {
  auto result = stage;
  result.make = [&input = *stage.input, make = stage.make, link = std::move(link)] {
    return std::make_unique<GroupStage>(input, make, link);
  };
  return result;
}

void GroupFollower::obey(GroupCall call, WorkerContext context) {
  context.group = link_;
  const auto end = attempt(*link_, [&] {
    if (call.kind == Kind::setup) {
      if (!lane_) lane_ = DeviceLane::open(stage_, context);
      user_ = stage_.make();
      user_->setup(context);
    } else if (!user_) {
      throw InvariantError("a rank of a group was called before it was set up");
    } else if (call.kind == Kind::process) {
      process(std::move(call.batch));
    } else {
      user_->teardown();
      user_.reset();
      lane_.reset();
    }
  });
  link_->end(end.first);
}

// What it makes of the batch nobody wants.
void GroupFollower::process(EncodedBatch batch) {
  constexpr control::BatchId only = 0;
  if (lane_) batch = lane_->take(only, std::move(batch));
  auto decoded = stage_.input->decode(batch);
  batch = {};
  user_->process(std::move(decoded));
  if (lane_) lane_->finished(only);
}

}  // namespace sluice::runtime
