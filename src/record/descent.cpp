#include <sluice/any_stage.hpp>

#include <fmt/format.h>

namespace sluice {
namespace {

// Every record became one, in the same order: the usual case.
bool one_to_one(const std::vector<std::uint32_t>& sources, std::size_t parents) {
  if (sources.size() != parents) return false;
  for (std::size_t i = 0; i < parents; ++i) {
    if (sources[i] != i) return false;
  }
  return true;
}

}  // namespace

std::vector<RecordId> child_ids(std::vector<RecordId> parents,
                                const std::vector<std::uint32_t>& sources,
                                std::vector<Descent>& descents) {
  if (one_to_one(sources, parents.size())) return parents;
  std::vector<std::uint32_t> children(parents.size(), 0);
  for (const auto source : sources) ++children[source];
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (children[i] != 1) descents.push_back({parents[i].origin, std::int64_t{children[i]} - 1});
  }
  std::vector<std::uint32_t> numbered(parents.size(), 0);
  std::vector<RecordId> ids;
  ids.reserve(sources.size());
  for (const auto source : sources) {
    auto& id = ids.emplace_back(parents[source]);
    if (children[source] > 1) id.path = id.path.child(numbered[source]++);
  }
  return ids;
}

void rethrow_decode_error(std::size_t index) {
  try {
    throw;
  } catch (const std::exception& error) {
    throw RecordError(index, fmt::format("the record cannot be decoded: {}", error.what()),
                      ExitCode::decode);
  }
}

}  // namespace sluice
