#include "observe/report.hpp"

#include "observe/analysis.hpp"
#include "observe/optional_json.hpp"
#include "observe/report_template.hpp"
#include "observe/status_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

namespace sluice::observe {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_dead = 100;
constexpr std::size_t most_slow = 20;

Json analysis_json(const RunStatus& status) {
  const auto analysis = analyse(status);
  Json stages = Json::array();
  for (std::size_t k = 0; k < status.stages.size(); ++k) {
    const auto& stage = analysis.stages[k];
    stages.push_back({{"name", status.stages[k].name},
                      {"busy", stage.busy},
                      {"starved", stage.starved},
                      {"blocked", stage.blocked},
                      {"setup", stage.setup},
                      {"speed", optional_json(stage.speed)}});
  }
  const auto& slowest = analysis.bottleneck;
  return {{"throughput", analysis.throughput},
          {"bottleneck", slowest ? Json(status.stages[*slowest].name) : Json(nullptr)},
          {"speed_of_light", optional_json(analysis.speed_of_light)},
          {"stages", std::move(stages)},
          {"advice", analysis.advice}};
}

// Numbers alone, since there are many: per stage workers, in, out, and the four sums of seconds.
Json moment_json(const Moment& moment) {
  Json stages = Json::array();
  for (const auto& s : moment.status.stages) {
    stages.push_back(
        {s.workers, s.records_in, s.records_out, s.running, s.starved, s.blocked, s.setup});
  }
  return {{"seconds", moment.status.seconds},
          {"done", moment.status.done},
          {"stages", std::move(stages)}};
}

Json attempts_json(const std::vector<Moment>& moments) {
  Json attempts = Json::array();
  for (std::size_t i = 0; i < moments.size(); ++i) {
    if (i == 0 || moments[i - 1].began != moments[i].began) {
      attempts.push_back({{"began", moments[i].began},
                          {"done_before", moments[i].status.done_before},
                          {"moments", Json::array()}});
    }
    attempts.back()["moments"].push_back(moment_json(moments[i]));
  }
  return attempts;
}

// Of all attempts.
std::vector<SlowBatch> slowest_of(const std::vector<Moment>& moments) {
  std::vector<SlowBatch> all;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    const bool last = i + 1 == moments.size() || moments[i + 1].began != moments[i].began;
    const auto& slowest = moments[i].status.slowest;
    if (last) all.insert(all.end(), slowest.begin(), slowest.end());
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  if (all.size() > most_slow) all.resize(most_slow);
  return all;
}

Json dead_json(const std::vector<store::DeadLetter>& letters) {
  Json list = Json::array();
  for (const auto& letter : letters) {
    list.push_back({{"key", letter.key},
                    {"stage", letter.stage},
                    {"error", letter.error},
                    {"attempts", letter.attempts},
                    {"rank", letter.rank}});
  }
  return list;
}

}  // namespace

RunStory read_story(const std::filesystem::path& run_dir) {
  RunStory story;
  story.moments = read_history(run_dir, &story.left_out);
  story.dead = first_dead_letters(run_dir);
  return story;
}

std::vector<store::DeadLetter> first_dead_letters(const std::filesystem::path& run_dir) {
  std::vector<store::DeadLetter> letters;
  std::ifstream file(run_dir / "dead_letters.jsonl");
  for (std::string line; letters.size() < most_dead && std::getline(file, line);) {
    if (auto letter = store::parse_dead_letter(line)) letters.push_back(*std::move(letter));
  }
  return letters;
}

Json report_json(const RunStory& story) {
  const auto& last = story.moments.back();
  return {{"state", story.state},
          {"time", last.time},
          {"status", to_json(last.status)},
          {"analysis", analysis_json(last.status)},
          {"attempts", attempts_json(story.moments)},
          {"slowest", to_json(slowest_of(story.moments))},
          {"dead", dead_json(story.dead)}};
}

std::string report_page(const RunStory& story) {
  auto data = report_json(story).dump(-1, ' ', false, Json::error_handler_t::replace);
  // Nothing in the data may end the script that holds it, nor open a comment or a script in it,
  // which would swallow that end.
  constexpr std::string_view instead = "\\u003c";
  for (auto at = data.find('<'); at != std::string::npos; at = data.find('<', at)) {
    data.replace(at, 1, instead);
  }
  std::string page(report_template);
  constexpr std::string_view mark = "{{DATA}}";
  page.replace(page.find(mark), mark.size(), data);
  return page;
}

std::string live_report_page(const RunStory& story) {
  auto page = report_page(story);
  constexpr std::string_view root = "<html";
  page.insert(page.find(root) + root.size(), " data-live");
  return page;
}

}  // namespace sluice::observe
