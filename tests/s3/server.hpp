#pragma once

#include "store/s3_config.hpp"
#include "store/scratch_folder.hpp"

#include <string>

#include <sys/types.h>

namespace sluice::s3 {

/// A SeaweedFS of this program, on free ports of this machine: a real server, with its data in a
/// scratch folder. Starts with the first test that asks for it and ends with the program.
class Server {
 public:
  /// Empty if there is one; otherwise why there is none.
  static std::string missing();
  /// Throws std::runtime_error if it does not come up within two minutes.
  static Server& instance();
  /// One that is reached over TLS alone, with a certificate that it signed itself: `config` trusts
  /// it.
  static Server& over_tls();
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  static constexpr const char* access_key = "AKIDSLUICETEST";
  static constexpr const char* secret_key = "a/secret+with:colon=and%signs";

  int port() const { return port_; }
  /// Of a client that gives up within some seconds.
  store::S3Config config() const;
  /// A bucket of its own.
  std::string new_bucket();

 private:
  explicit Server(bool tls = false);
  void wait_until_up() const;

  store::ScratchFolder folder_;
  bool tls_;
  int port_ = 0;
  pid_t process_ = -1;
  int buckets_ = 0;
};

/// Makes "cert.pem", of 127.0.0.1, and "key.pem" in the folder.
void make_certificate(const std::filesystem::path& folder);

/// What the environment must be for a client of the server.
void set_environment(const Server& server, const std::string& endpoint = "");

}  // namespace sluice::s3
