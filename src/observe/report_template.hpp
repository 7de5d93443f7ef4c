#pragma once

#include <string_view>

namespace sluice::observe {

/// report_page.html; the build puts it in.
extern const std::string_view report_template;

}  // namespace sluice::observe
