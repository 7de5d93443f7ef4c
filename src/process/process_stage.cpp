#include <sluice/process_stage.hpp>

#include "base/log.hpp"
#include "process/died.hpp"
#include "process/session.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <thread>
#include <utility>

namespace sluice {
namespace {

using process::ProcessDied;
using process::Session;

// Deaths in a row for which a batch, or a setup, is not to blame.
constexpr int most_kills = 20;
constexpr int most_restarts = 3;

nlohmann::ordered_json to_json(const ProcessEnvironment& env) {
  return {{"venv", env.venv},
          {"conda", env.conda},
          {"modules", env.modules},
          {"container", env.container},
          {"variables", env.variables}};
}

std::string kind_of(const ProcessEnvironment& env) {
  std::string kinds;
  const auto add = [&kinds](const char* kind, const auto& value) {
    if (!value.empty()) kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ", kind);
  };
  add("venv", env.venv);
  add("conda", env.conda);
  add("modules", env.modules);
  add("container", env.container);
  add("variables", env.variables);
  return kinds;
}

// What does not parse here would be found out only when the first worker is set up.
void check_settings(const std::string& settings) {
  if (nlohmann::json::parse(settings, nullptr, false).is_object()) return;
  throw UsageError(
      fmt::format("a process stage's settings must be a JSON object, not {}", settings));
}

}  // namespace

/// Sees to it that there is a process, and gives a batch to the next one when one dies over it.
class ProcessStage::Supervisor {
 public:
  Supervisor(const ProcessOptions& options, WorkerContext context)
      : options_(options), context_(std::move(context)) {}

  const WorkerContext& context() const noexcept { return context_; }

  /// That the process is killed by someone else counts for nothing.
  void start(bool on_node) {
    for (int kills = 1;; ++kills) {
      try {
        session_.emplace(options_, context_, on_node);
        return;
      } catch (const ProcessDied& death) {
        if (!death.killed || kills == most_kills) throw;
        tell(death);
      }
    }
  }

  process::Results process(const Batch<Record>& batch) {
    int kills = 0;
    while (true) {
      try {
        if (!session_) restart();
        auto results = session_->process(batch);
        trusted_ = true;
        return results;
      } catch (const ProcessDied& death) {
        session_.reset();
        const bool again = death.killed ? ++kills < most_kills : std::exchange(trusted_, false);
        if (!again) throw;
        tell(death);
      }
    }
  }

  // A process that someone kills here has done all that it was given.
  void tear_down() {
    if (!session_) return;
    try {
      session_->tear_down();
    } catch (const ProcessDied& death) {
      if (!death.killed) throw;
      tell(death);
    }
    session_.reset();
  }

 private:
  void restart() {
    for (int tries = 1;; ++tries) {
      try {
        return start(false);
      } catch (const StageError& error) {
        if (tries == most_restarts) {
          throw StageError(
              fmt::format("the process died and cannot be started again: {}", error.what()));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100) * tries);
      }
    }
  }

  void tell(const ProcessDied& death) const {
    run_log().warn("stage '{}', worker {}: its process is started again: {}", context_.stage,
                   context_.worker, death.what());
  }

  const ProcessOptions& options_;
  WorkerContext context_;
  std::optional<Session> session_;
  /// Whether the last batch did well, so that a death may be no fault of the next one's.
  bool trusted_ = true;
};

ProcessStage::ProcessStage(ProcessOptions options) : options_(std::move(options)) {
  check_settings(options_.settings);
}
ProcessStage::ProcessStage(const ProcessStage& other) : Stage(other), options_(other.options_) {}
ProcessStage::~ProcessStage() = default;

void ProcessStage::setup_on_node(const WorkerContext& context) {
  if (context.debug && !options_.env.empty()) {
    throw UsageError(fmt::format(
        "it needs an environment of its own (env: {}), and debug mode has none to give: it "
        "runs every stage in the environment, and at the terminal, in which sluice was started. "
        "Start sluice within that environment and leave env out (--set 'stage.{}.env={{}}'), or "
        "run "
        "in another mode",
        kind_of(options_.env), context.stage));
  }
  supervisor_ = std::make_unique<Supervisor>(options_, context);
  supervisor_->start(true);
}

// The process that did what is to be done once on the node is this worker's, too.
void ProcessStage::setup(const WorkerContext& context) {
  if (supervisor_ && supervisor_->context().worker == context.worker) return;
  supervisor_ = std::make_unique<Supervisor>(options_, context);
  supervisor_->start(false);
}

void ProcessStage::process(Batch<Record>& batch, Emitter<Record>& out) {
  auto results = supervisor_->process(batch);
  for (std::size_t i = 0; i < results.records.size(); ++i) {
    out.emit(results.sources[i], std::move(results.records[i]));
  }
}

void ProcessStage::teardown() {
  supervisor_->tear_down();
  supervisor_.reset();
}

std::string ProcessStage::description() const {
  const nlohmann::ordered_json json{{"command", options_.command},
                                    {"settings", nlohmann::json::parse(options_.settings)},
                                    {"env", to_json(options_.env)}};
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace sluice
