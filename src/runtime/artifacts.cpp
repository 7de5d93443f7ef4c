#include "runtime/artifacts.hpp"

#include "store/artifact_place.hpp"
#include "store/artifact_reader.hpp"
#include "store/node_folder.hpp"
#include "store/sha256.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace sluice::runtime {
namespace {

namespace fs = std::filesystem;

bool is_plain(const std::string& text) {
  return !text.empty() &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' '; });
}

[[noreturn]] void refuse(const StageSpec& stage, const Artifact& artifact, const std::string& why) {
  throw UsageError(fmt::format("stage '{}': artifact '{}': {}", stage.name, artifact.uri, why));
}

fs::path validated_dest(const StageSpec& stage, const Artifact& artifact) {
  if (!is_plain(artifact.uri)) {
    refuse(stage, artifact, "uri must be a path, or \"s3://bucket/key\"");
  }
  if (!is_plain(artifact.dest)) {
    refuse(stage, artifact, "dest must be a place such as \"$SLUICE_NODE_DIR/models/m.onnx\"");
  }
  if (!artifact.sha256.empty() && !store::is_sha256(artifact.sha256)) {
    refuse(stage, artifact,
           fmt::format("sha256 must be 64 hexadecimal digits, not \"{}\"", artifact.sha256));
  }
  try {
    return store::below_node_folder(artifact.dest);
  } catch (const UsageError& error) {
    refuse(stage, artifact, error.what());
  }
}

// Whether one is the other, or lies in it.
bool overlap(const fs::path& a, const fs::path& b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return in_a == a.end() || in_b == b.end();
}

void place_here(const Artifact& artifact) {
  store::ArtifactReader reader(artifact);
  store::ArtifactPlace place(artifact);
  const auto key = reader.key();
  if (place.holds(key)) return;
  place.begin(reader.size());
  for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) place.write(piece.view());
  place.finish(key, reader.sum(), reader.kind(), {});
}

}  // namespace

std::vector<Artifact> artifacts_of(const ErasedSpec& spec) {
  std::vector<Artifact> all;
  for (const auto& stage : spec.stages) {
    for (const auto& artifact : stage.spec.artifacts) {
      if (std::find(all.begin(), all.end(), artifact) == all.end()) all.push_back(artifact);
    }
  }
  return all;
}

void validate_artifacts(const ErasedSpec& spec) {
  std::map<fs::path, Artifact> taken;
  for (const auto& stage : spec.stages) {
    for (const auto& artifact : stage.spec.artifacts) {
      const auto dest = validated_dest(stage.spec, artifact);
      for (const auto& [other_dest, other] : taken) {
        if (other == artifact || !overlap(dest, other_dest)) continue;
        refuse(stage.spec, artifact,
               fmt::format("its dest \"{}\" is that of '{}' (\"{}\"), or one lies in the other; "
                           "give each a place of its own",
                           artifact.dest, other.uri, other.dest));
      }
      taken.emplace(dest, artifact);
    }
  }
}

std::string artifacts_text(const StageSpec& stage) {
  std::string text;
  for (const auto& artifact : stage.artifacts) {
    text += fmt::format(" artifact={}>{}{}{}", artifact.uri, artifact.dest,
                        artifact.unpack ? " unpack" : "",
                        artifact.sha256.empty() ? "" : " sha256=" + artifact.sha256);
  }
  return text;
}

void place_artifacts_here(const ErasedSpec& spec) {
  for (const auto& artifact : artifacts_of(spec)) place_here(artifact);
}

}  // namespace sluice::runtime
