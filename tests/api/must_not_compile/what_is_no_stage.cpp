// error: 'int' is not a class, struct, or union type
#include "../stages.hpp"

auto pipeline = sluice::Pipeline<Page>("count").then(7);
