// error: process(sluice::Batch<In>&
#include "../stages.hpp"

struct Idle : sluice::Stage<Page, Text> {};

auto pipeline = sluice::Pipeline<Page>("count").then(Idle());
