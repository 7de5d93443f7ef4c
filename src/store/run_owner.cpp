#include "store/run_owner.hpp"

#include "store/whole_number.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <array>
#include <ctime>
#include <random>

namespace sluice::store {

RunOwner new_owner() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return {host.data(), ::getpid(),
          fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr))),
          fmt::format("{:08x}", std::random_device()())};
}

std::string shown(const RunOwner& owner) {
  return fmt::format("process {} on host {}, since {}", owner.pid, owner.host, owner.since);
}

std::string to_json(const RunOwner& owner) {
  return nlohmann::ordered_json{
      {"host", owner.host}, {"pid", owner.pid}, {"since", owner.since}, {"token", owner.token}}
      .dump();
}

std::optional<RunOwner> run_owner(std::string_view json) try {
  const auto parsed = nlohmann::json::parse(json);
  return RunOwner{parsed.at("host"), whole_number<decltype(RunOwner::pid)>(parsed.at("pid")),
                  parsed.at("since"), parsed.at("token")};
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace sluice::store
