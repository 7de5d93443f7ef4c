// The dashboard for Grafana asks for the metrics that there are.
#include "observe/metrics.hpp"
#include "observe/some_run.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace sluice::observe {
namespace {

using Json = nlohmann::json;

std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex wanted(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), wanted), end; it != end; ++it) {
    found.insert(it->str(it->size() - 1));
  }
  return found;
}

void collect(const Json& json, std::string& queries) {
  if (json.is_structured()) {
    for (const auto& part : json) collect(part, queries);
  }
  if (!json.is_object()) return;
  for (const auto* name : {"expr", "query"}) {
    if (json.contains(name)) queries += json.at(name).get<std::string>() + "\n";
  }
}

class Dashboard : public ::testing::Test {
 protected:
  void SetUp() override {
    json_ = Json::parse(std::ifstream(SLUICE_DASHBOARD));
    collect(json_, queries_);
  }

  Json json_;
  std::string queries_;
  const std::string metrics_ = metrics_text(some_run());
};

TEST_F(Dashboard, AsksForAllMetricsAndForNoOthers) {
  EXPECT_EQ(matches(queries_, "\\b(sluice_\\w+)"), matches(metrics_, "\n(sluice_\\w+)\\{"));
}

TEST_F(Dashboard, AsksForLabelsThatTheyHave) {
  const auto labels = matches(metrics_, "[{,](\\w+)=");
  for (const auto& label : matches(queries_, "[{,](\\w+)=~?\"")) {
    EXPECT_TRUE(labels.contains(label)) << label;
  }
  const auto states = matches(metrics_, "state=\"(\\w+)\"");
  for (const auto& state : matches(queries_, "state=\"(\\w+)\"")) {
    EXPECT_TRUE(states.contains(state)) << state;
  }
}

TEST_F(Dashboard, HasPanelsThatDoNotOverlap) {
  std::set<std::pair<int, int>> cells;
  std::set<int> ids;
  for (const auto& panel : json_.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second);
    const auto& place = panel.at("gridPos");
    for (int x = place.at("x"); x < place.at("x").get<int>() + place.at("w").get<int>(); ++x) {
      EXPECT_LT(x, 24);
      for (int y = place.at("y"); y < place.at("y").get<int>() + place.at("h").get<int>(); ++y) {
        EXPECT_TRUE(cells.emplace(x, y).second) << panel.at("title");
      }
    }
  }
}

}  // namespace
}  // namespace sluice::observe
