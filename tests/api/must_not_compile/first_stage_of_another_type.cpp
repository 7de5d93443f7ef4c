// error: [with _Tp = Text; _Up = Page]
#include "../stages.hpp"

auto pipeline = sluice::Pipeline<Page>("count").then(Count());
