#include <sluice/process_stage.hpp>

#include "process/in_group.hpp"
#include "process/supervisor.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace sluice {
namespace {

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

ProcessStage::ProcessStage(ProcessOptions options) : options_(std::move(options)) {
  check_settings(options_.settings);
}
ProcessStage::ProcessStage(const ProcessStage& other)
    : ContinuousStage(other), options_(other.options_) {}
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
  if (options_.spmd > 1 && !context.group) {  // whoever is called is not alone in being set up
    process::Supervisor for_node(options_, context);
    for_node.start(process::SetupKind::node);
    return for_node.tear_down();
  }
  supervisor_ = std::make_unique<process::Supervisor>(options_, context);
  supervisor_->start(process::SetupKind::node_and_worker);
}

// The process that did what is to be done once on the node is this worker's, too.
void ProcessStage::setup(const WorkerContext& context) {
  const bool is_there = supervisor_ && supervisor_->context().worker == context.worker;
  if (is_there && supervisor_->context().group == context.group) return;
  if (is_there) supervisor_->tear_down();
  supervisor_ = std::make_unique<process::Supervisor>(options_, context);
  supervisor_->start(process::SetupKind::worker);
}

void ProcessStage::process(Batch<Record>& batch, Emitter<Record>& out) {
  if (supervisor_->context().group) return process_in_group(batch, out);
  auto results = supervisor_->process(batch);
  for (std::size_t i = 0; i < results.records.size(); ++i) {
    out.emit(results.sources[i], std::move(results.records[i]));
  }
}

void ProcessStage::process_in_group(Batch<Record>& batch, Emitter<Record>& out) {
  auto results = process::answer_in_group(*supervisor_, batch);
  for (std::size_t i = 0; i < results.records().size(); ++i) {
    out.emit(results.sources()[i], std::move(results.records()[i]));
  }
}

void ProcessStage::submit(std::uint64_t ticket, Batch<Record> batch) {
  supervisor_->submit(ticket, std::move(batch));
}

std::optional<Answer<Record>> ProcessStage::poll() { return supervisor_->poll(); }

void ProcessStage::wake_with(std::function<void()> wake) {
  supervisor_->wake_with(std::move(wake));
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
