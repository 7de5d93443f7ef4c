#pragma once

#include "store/artifact_place.hpp"
#include "store/artifact_reader.hpp"
#include "store/node_folder.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sluice::store {

/// With a node's folder of the test's own.
class ArtifactCase {
 public:
  ArtifactCase() { ::setenv("SLUICE_NODE_DIR", (folder_ / "node").c_str(), 1); }
  ~ArtifactCase() { ::unsetenv("SLUICE_NODE_DIR"); }
  ArtifactCase(const ArtifactCase&) = delete;
  ArtifactCase& operator=(const ArtifactCase&) = delete;

  /// True if it had to be fetched.
  static bool fetch(const Artifact& artifact) {
    ArtifactReader reader(artifact);
    ArtifactPlace place(artifact);
    const auto key = reader.key();
    if (place.holds(key)) return false;
    place.begin(reader.size());
    for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) {
      place.write(piece.view());
    }
    place.finish(key, reader.sum(), reader.kind(), {});
    return true;
  }

  /// What it says of an error, or "fetched".
  static std::string complaint(const Artifact& artifact) {
    try {
      fetch(artifact);
    } catch (const Error& error) {
      return error.what();
    }
    return "fetched";
  }

  std::filesystem::path here(const std::string& name) const { return folder_ / name; }
  std::string at(const std::string& name) const {
    return read_text(folder_.path() / "node" / name);
  }
  bool nothing_is_left_of_attempts() const {
    const auto partial = folder_.path() / "node/.sluice/partial";
    return !std::filesystem::exists(partial) || std::filesystem::is_empty(partial);
  }

 private:
  ScratchFolder folder_;
};

}  // namespace sluice::store
