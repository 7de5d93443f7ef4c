#pragma once

#include "job/raw_value.hpp"

#include <sluice/registry.hpp>

#include <string>
#include <string_view>

namespace sluice::job {

/// "string", "duration", …
std::string_view name_of(SettingType type);

/// What a value of the type looks like, for errors: "a duration: \"10ms\", …".
std::string_view wanted_of(SettingType type);

/// The settings of a stage: those given, checked, and the fallbacks of the others. `stage` names
/// the stage in errors, and `place` is where it stands.
Settings check_settings(const StageKind& kind, const RawTable& given, const std::string& stage,
                        const Place& place);

/// Every setting as `name=value`, in the order in which the kind declares them: equal for equal
/// settings however they were written.
std::string canonical_settings(const StageKind& kind, const Settings& settings);

/// Throws UsageError if a fallback of the kind is not of its setting's type.
void check_fallbacks(const StageKind& kind);

}  // namespace sluice::job
