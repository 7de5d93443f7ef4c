#pragma once

#include "store/s3_config.hpp"
#include "store/s3_uri.hpp"

#include <sluice/buffer.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// Objects in buckets, many requests at a time. Failures that may pass are survived (s3_config.hpp
/// says how long); others throw, InputError if something could not be read and IoError if it could
/// not be written, naming bucket, key and endpoint and what to do. For one thread.
class ObjectStore {
 public:
  static constexpr auto everything = std::numeric_limits<std::uint64_t>::max();

  virtual ~ObjectStore() = default;

  /// One of many objects: its bytes, or why they could not be had.
  struct Fetched {
    Buffer bytes;
    std::string fault;
    bool missing = false;  ///< there is no object of that name
  };
  /// In the order of the names. Of each object the first `most_bytes`.
  virtual std::vector<Fetched> fetch(std::span<const ObjectName> names,
                                     std::uint64_t most_bytes = everything) = 0;

  struct Upload {
    ObjectName name;
    std::string_view bytes;
  };
  /// Puts each, in place of an older one; says of each why it could not be put, or nothing.
  virtual std::vector<std::string> store(std::span<const Upload> uploads) = 0;

  virtual Buffer get(const ObjectName& name) = 0;
  /// Bytes from `offset` on; fewer than `count` where the object ends.
  virtual Buffer get_range(const ObjectName& name, std::uint64_t offset, std::uint64_t count) = 0;
  /// Bytes from `offset` on, in buffers of `piece` bytes, several under way at once; of the version
  /// of the object that `etag` names, if it is not empty: InputError if there is another by now.
  virtual std::vector<Buffer> get_pieces(const ObjectName& name, const std::string& etag,
                                         std::uint64_t offset, std::uint64_t count,
                                         std::uint64_t piece) = 0;
  /// To a file, in parts.
  virtual void download(const ObjectName& name, const std::filesystem::path& path) = 0;
  virtual void put(const ObjectName& name, std::string_view bytes) = 0;
  /// False, and nothing is changed, if there is an object of that name.
  virtual bool put_if_absent(const ObjectName& name, std::string_view bytes) = 0;
  /// From a file, in parts if it is large; the object appears when all is there.
  virtual void upload(const ObjectName& name, const std::filesystem::path& path) = 0;

  struct Listed {
    std::string key;
    std::uint64_t size = 0;
    std::string etag;
  };
  /// An empty object whose key ends with a slash is a folder of the tools that show buckets so.
  enum class Folders { listed, skipped };
  /// Objects whose keys begin with that of `prefix`, by key, no more than `most`.
  virtual std::vector<Listed> list(const ObjectName& prefix, std::uint64_t most = everything,
                                   Folders folders = Folders::listed) = 0;
  struct Facts {
    std::uint64_t size = 0;
    std::string etag;
  };
  /// Nothing if there is none of that name.
  virtual std::optional<Facts> look_at(const ObjectName& name) = 0;
  /// Its size; nothing if there is none of that name.
  virtual std::optional<std::uint64_t> size_of(const ObjectName& name) = 0;
  /// Those that are there.
  virtual void remove(std::span<const ObjectName> names) = 0;
};

/// A client of Amazon S3 and of servers that speak its language.
std::unique_ptr<ObjectStore> s3_client(S3Config config);

}  // namespace sluice::store
