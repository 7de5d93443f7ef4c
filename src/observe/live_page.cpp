#include "observe/live_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace sluice::observe {
namespace {

// Takes equally long wherever the difference is.
bool same(const std::string& a, const std::string& b) {
  unsigned different = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    different |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  }
  return different == 0;
}

}  // namespace

LivePage::LivePage(std::filesystem::path run_dir, std::uint16_t port, std::string token)
    : story_(std::move(run_dir)),
      token_(std::move(token)),
      server_(port, [this](const WebServer::Request& request) { return answer(request); }) {}

WebServer::Answer LivePage::answer(const WebServer::Request& request) {
  if (!may_look(request)) return {403, "text/plain", "the token is missing, or wrong\n"};
  if (request.path == "/") return {200, "text/html; charset=utf-8", story_.page()};
  if (request.path == "/data.json") return {200, "application/json", story_.data()};
  if (request.path == "/metrics") {
    return {200, "text/plain; version=0.0.4; charset=utf-8", story_.metrics()};
  }
  return {404, "text/plain", "there is /, /data.json and /metrics\n"};
}

// Without a token, a page from elsewhere could have a browser ask here under that page's name.
bool LivePage::may_look(const WebServer::Request& request) const {
  if (token_.empty()) {
    const auto host = request.host.substr(0, request.host.rfind(':'));
    return host == "127.0.0.1" || host == "localhost";
  }
  return same(request.token, token_) || same(request.authorization, "Bearer " + token_);
}

std::string LivePage::address() const {
  return fmt::format("http://127.0.0.1:{}/{}", port(), token_.empty() ? "" : "?token=" + token_);
}

std::string random_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) token += fmt::format("{:08x}", random());
  return token;
}

}  // namespace sluice::observe
