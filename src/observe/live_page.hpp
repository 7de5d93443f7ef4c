#pragma once

#include "observe/live_story.hpp"
#include "observe/web_server.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace sluice::observe {

/// Shows a run to browsers and to Prometheus while it lasts: "/" is the page of its report, kept up
/// to date, "/data.json" what that shows, "/metrics" the latest numbers. It is there for programs
/// on this machine that know the token.
class LivePage {
 public:
  /// On a free port if it is 0. An empty token: every program on this machine may look. Throws
  /// UsageError if the port cannot be had.
  LivePage(std::filesystem::path run_dir, std::uint16_t port, std::string token);

  /// Waits for no client.
  void note(const RunStatus& status) { story_.note(status); }
  std::uint16_t port() const noexcept { return server_.port(); }
  /// What a browser is to open.
  std::string address() const;

 private:
  WebServer::Answer answer(const WebServer::Request& request);
  bool may_look(const WebServer::Request& request) const;

  LiveStory story_;
  const std::string token_;
  WebServer server_;
};

/// 128 random bits, as text.
std::string random_token();

}  // namespace sluice::observe
