#pragma once

#include <string>

namespace sluice {

/// What a stage needs on each of its nodes before it is set up: a file or a folder that the run
/// fetches once and spreads (docs/artifacts.md).
struct Artifact {
  std::string uri;      ///< a path, or "s3://bucket/key"; with a slash at its end, all keys below
  std::string dest;     ///< in the node's folder: "$SLUICE_NODE_DIR/models/m.onnx", "models/m.onnx"
  bool unpack = false;  ///< an archive (tar, zip, …), of which `dest` becomes the folder
  std::string sha256 = {};  ///< of the file at `uri`, if it is to be checked

  bool operator==(const Artifact&) const = default;
};

}  // namespace sluice
