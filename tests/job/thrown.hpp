#pragma once

#include <gtest/gtest.h>

#include <string>

namespace sluice::job {

/// The message of the E that `body` throws.
template <class E, class Body>
std::string thrown(Body body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing thrown";
  return {};
}

}  // namespace sluice::job
