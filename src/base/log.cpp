#include "base/log.hpp"

#include "base/safe_text.hpp"

#include <fmt/format.h>
#include <spdlog/cfg/env.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t most_bytes = 8 << 20;  // then the file is put aside, and one such is kept

/// Of a thread: the log of its rank, and what that is doing.
struct Place {
  spdlog::sink_ptr file;
  std::string rank;  ///< "rank 3 node n1"
  std::string stage;
  std::string record;
};

Place& place() {
  thread_local Place here;
  return here;
}

/// What was logged.
class TextFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& to) override {
    to.append(safe_lines({message.payload.data(), message.payload.size()}));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<TextFlag>();
  }
};

class PlaceFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& to) override {
    const auto& here = place();
    to.append(here.rank);
    if (!here.stage.empty()) fmt::format_to(std::back_inserter(to), " stage {}", here.stage);
    if (!here.record.empty()) fmt::format_to(std::back_inserter(to), " record {}", here.record);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PlaceFlag>();
  }
};

std::unique_ptr<spdlog::formatter> file_format() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PlaceFlag>('*').add_flag<TextFlag>('&');
  formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %*: %&");
  return formatter;
}

std::unique_ptr<spdlog::formatter> terminal_format() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<TextFlag>('&').set_pattern("%H:%M:%S sluice: %&");
  return formatter;
}

/// Passes lines on to the log of the thread's rank.
class ToRank final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    const auto& file = place().file;
    if (!file) return;
    file->log(message);
    file->flush();
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

std::mutex making_room;
std::function<void()> room_maker;

/// Before what goes to standard error.
class MakeRoom final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg&) override {
    const std::lock_guard lock(making_room);
    if (room_maker) room_maker();
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

std::shared_ptr<spdlog::logger> make_logger(const char* name, std::vector<spdlog::sink_ptr> sinks) {
  auto made = std::make_shared<spdlog::logger>(name, sinks.begin(), sinks.end());
  made->set_error_handler([](const std::string&) {});
  return made;
}

}  // namespace

spdlog::logger& run_log() {
  static const auto logger = [] {
    auto made = make_logger("sluice", {std::make_shared<ToRank>(), std::make_shared<MakeRoom>(),
                                       std::make_shared<spdlog::sinks::stderr_sink_mt>()});
    spdlog::initialize_logger(made);
    spdlog::cfg::load_env_levels();
    made->set_formatter(terminal_format());
    return made;
  }();
  return *logger;
}

void before_log_lines(std::function<void()> make_room) {
  const std::lock_guard lock(making_room);
  room_maker = std::move(make_room);
}

spdlog::logger& rank_log() {
  static const auto logger = make_logger("rank", {std::make_shared<ToRank>()});
  return *logger;
}

RankLog::RankLog(const std::filesystem::path& run_dir, int rank, const std::string& node) {
  try {
    const auto path = run_dir / "logs" / fmt::format("rank-{}.log", rank);
    auto file =
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path.string(), most_bytes, 1);
    file->set_formatter(file_format());
    place() = {std::move(file), fmt::format("rank {} node {}", rank, node), {}, {}};
  } catch (const spdlog::spdlog_ex&) {  // there is no log
  }
}

RankLog::~RankLog() { place() = {}; }

void log_stage(const std::string& stage) { place().stage = one_line(stage); }

LoggedRecord::LoggedRecord(std::string key) {
  constexpr std::size_t longest = 200;
  if (key.size() > longest) key.replace(longest, key.size(), "…");
  place().record = one_line(key);
}

LoggedRecord::~LoggedRecord() { place().record.clear(); }

}  // namespace sluice
