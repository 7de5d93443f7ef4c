// error: [with _Tp = Page; _Up = Text]
#include "../stages.hpp"

auto pipeline = sluice::Pipeline<Page>("count").then(Read()).then(Read());
