#pragma once

#include <sluice/record.hpp>

#include <string_view>

namespace sluice::job {

/// The bytes or the text in a field, as a sink writes them; throws StageError if it holds neither.
std::string_view payload_view(const Record& record, std::string_view field);

}  // namespace sluice::job
