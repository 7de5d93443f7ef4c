#pragma once

#include <map>
#include <string>
#include <string_view>

namespace sluice::store {

/// The sections of an AWS credentials or configuration file, by the profile's name ("profile " is
/// left out).
using AwsProfiles = std::map<std::string, std::map<std::string, std::string>>;

/// Settings of services, which are indented below a key, are passed over, as is what cannot be
/// understood. (Not libinih, which cuts lines at 200 letters: session tokens are longer.)
AwsProfiles parse_aws_profiles(std::string_view text);

}  // namespace sluice::store
