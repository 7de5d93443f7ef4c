#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::job {

/// The name in `names` that `word` was most likely meant to be; empty if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

/// Joins an error about `word` to the sentence after it: "; did you mean 'NAME'? ", or "; " if no
/// name is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace sluice::job
