#include "store/artifact_reader.hpp"

#include "store/checksum.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace sluice::store {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

template <class Body>
auto ArtifactReader::named(Body body) {
  try {
    return body();
  } catch (const InputError& error) {
    throw InputError(fmt::format("artifact '{}': {}", artifact_.uri, error.what()));
  }
}

std::string ArtifactReader::key() {
  const auto* how = artifact_.unpack ? "unpacked" : "as it is";
  if (!artifact_.sha256.empty()) return fmt::format("{}, sha256 {}", how, lower(artifact_.sha256));
  return fmt::format("{}, '{}', {}", how, artifact_.uri, source().version());
}

Buffer ArtifactReader::next() {
  auto& from = source();
  return named([&] { return take(from.next()); });
}

Buffer ArtifactReader::take(Buffer piece) {
  if (piece.empty()) {
    check();
    return piece;
  }
  if (!artifact_.sha256.empty()) sha256_.add(piece.view());
  read_ += piece.size();
  sum_ = checksum(piece.view(), sum_);
  return piece;
}

ArtifactSource& ArtifactReader::source() {
  if (source_) return *source_;
  named([&] {
    source_ = open_artifact(artifact_);
    if (source_->kind() == SourceKind::folder && (artifact_.unpack || !artifact_.sha256.empty())) {
      throw InputError("it is a folder, which takes neither unpack nor sha256");
    }
  });
  return *source_;
}

void ArtifactReader::check() {
  if (artifact_.sha256.empty()) return;
  const auto found = sha256_.finish();
  if (found == lower(artifact_.sha256)) return;
  throw InputError(
      fmt::format("its SHA-256 is {}, but it should be {}; it is damaged, or another version: "
                  "correct the file, or sha256",
                  found, artifact_.sha256));
}

}  // namespace sluice::store
