// error: no matching function for call to
#include "../stages.hpp"

auto pipeline = sluice::Pipeline<Page>("count").then(Read());
sluice::PipelineSpec<Page, Text> spec(pipeline, std::vector<Text>{});
