// error: std::invoke_result
#include "../stages.hpp"

auto stage = sluice::map<Page>([](Text text) { return text; });
