#pragma once

#include "transport/transport.hpp"

namespace sluice::transport {

/// Interrupts an absence: the communication thread is there for a moment.
class Presence {
 public:
  explicit Presence(Transport& transport) : transport_(transport) { transport_.end_absence(); }
  ~Presence() { transport_.begin_absence(); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  Transport& transport_;
};

}  // namespace sluice::transport
