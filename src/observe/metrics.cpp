#include "observe/metrics.hpp"

#include <fmt/format.h>

#include <string_view>

namespace sluice::observe {
namespace {

// In label values backslash, quote and line end are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

class Metrics {
 public:
  explicit Metrics(const RunStatus& status) : status_(status) {}

  template <class Value>
  void run(std::string_view name, std::string_view type, std::string_view help, Value value) {
    head(name, type, help);
    text_ +=
        fmt::format("sluice_{}{{pipeline=\"{}\"}} {}\n", name, escaped(status_.pipeline), value);
  }
  template <class Of>
  void stages(std::string_view name, std::string_view type, std::string_view help, Of of) {
    head(name, type, help);
    for (const auto& stage : status_.stages) line(name, stage, "", of(stage));
  }
  void states() {
    head("stage_seconds_total", "counter",
         "Time of the stage's workers by what they did, summed over them.");
    for (const auto& stage : status_.stages) {
      line("stage_seconds_total", stage, ",state=\"running\"", stage.running);
      line("stage_seconds_total", stage, ",state=\"starved\"", stage.starved);
      line("stage_seconds_total", stage, ",state=\"blocked\"", stage.blocked);
      line("stage_seconds_total", stage, ",state=\"setup\"", stage.setup);
    }
  }
  std::string take() && { return std::move(text_); }

 private:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP sluice_{0} {2}\n# TYPE sluice_{0} {1}\n", name, type, help);
  }
  template <class Value>
  void line(std::string_view name, const StageStatus& stage, std::string_view more, Value value) {
    text_ += fmt::format("sluice_{}{{pipeline=\"{}\",stage=\"{}\"{}}} {}\n", name,
                         escaped(status_.pipeline), escaped(stage.name), more, value);
  }

  const RunStatus& status_;
  std::string text_;
};

}  // namespace

std::string metrics_text(const RunStatus& status) {
  Metrics metrics(status);
  metrics.run("inputs", "gauge", "Input records of the run.", status.inputs);
  metrics.run("inputs_done", "gauge", "Inputs of which every descendant is finished.", status.done);
  metrics.run("dead_letters", "gauge", "Records that were given up.", status.dead_letters);
  metrics.run("run_seconds", "gauge", "Since the run started, or was gone on with.",
              status.seconds);
  metrics.run("run_finished", "gauge", "1 once the run is finished.", status.finished ? 1 : 0);
  metrics.run("replans_total", "counter", "Times that ranks changed their stages.",
              status.replans.size());
  metrics.run("ranks_lost_total", "counter", "Ranks that died.", status.lost.size());
  metrics.run("control_messages_total", "counter", "Messages to and from the coordinator.",
              status.control_messages);
  metrics.stages("stage_workers", "gauge", "Workers of the stage.",
                 [](const auto& stage) { return stage.workers; });
  metrics.stages("stage_batches_total", "counter", "Batches processed.",
                 [](const auto& stage) { return stage.batches; });
  metrics.stages("stage_records_in_total", "counter", "Records taken in.",
                 [](const auto& stage) { return stage.records_in; });
  metrics.stages("stage_records_out_total", "counter", "Records made.",
                 [](const auto& stage) { return stage.records_out; });
  metrics.stages("stage_records_filtered_total", "counter", "Records that became none.",
                 [](const auto& stage) { return stage.filtered; });
  metrics.stages("stage_records_dead_total", "counter", "Records given up.",
                 [](const auto& stage) { return stage.dead; });
  metrics.states();
  return std::move(metrics).take();
}

}  // namespace sluice::observe
