#include "store/store_claim.hpp"

#include "store/whole_number.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <string_view>

namespace sluice::store {
namespace {

// A number, a space, and who made the claim.
constexpr const char* claim_name = "claim";

std::uint64_t next_number(FileStore& files) {
  const auto before = files.read(claim_name);
  if (!before) return 1;
  const auto number = parse_whole_number(std::string_view(*before).substr(0, before->find(' ')));
  if (number) return *number + 1;
  throw InputError(fmt::format(
      "the claim {} does not begin with a whole number; delete it if no run works there",
      files.shown(claim_name)));
}

}  // namespace

StoreClaim::StoreClaim(FileStore& files)
    : files_(&files), number_(next_number(files)), owner_(new_owner()) {
  files.write(claim_name, fmt::format("{} {}\n", number_, to_json(owner_)));
  check();
}

std::string StoreClaim::attempt() const { return fmt::format("{}-{}", number_, owner_.token); }

void StoreClaim::check() const {
  const auto other = claimant(*files_);
  if (other == owner_) return;
  throw UsageError(fmt::format(
      "another run has taken over what is in {}: {}; this one stops, and leaves it to that one",
      files_->shown(""), other ? shown(*other) : "nobody knows which"));
}

std::optional<RunOwner> claimant(FileStore& files) {
  const auto text = files.read(claim_name);
  const auto begin = text ? text->find('{') : std::string::npos;
  if (begin == std::string::npos) return std::nullopt;
  return run_owner(std::string_view(*text).substr(begin));
}

}  // namespace sluice::store
