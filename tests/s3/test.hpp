#pragma once

#include "s3/server.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::s3 {

/// A test that needs the server: skipped, saying why, where there is none.
class Test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = Server::missing(); !why.empty()) GTEST_SKIP() << why;
    bucket_ = Server::instance().new_bucket();
  }
  store::S3Config config() const { return Server::instance().config(); }

  std::string bucket_;
};

}  // namespace sluice::s3
