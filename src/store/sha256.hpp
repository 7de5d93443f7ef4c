#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sluice::store {

/// Of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  /// In hexadecimal; once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 64 hexadecimal digits.
bool is_sha256(std::string_view text);

}  // namespace sluice::store
