#include "stages.hpp"

int main() {
  const auto pipeline = sluice::Pipeline<Page>("count")
                            .then(Read(), {.name = "read", .batch_size = 4})
                            .then(Count())
                            .then(sluice::map<std::size_t>([](std::size_t n) { return n * 0.5; }));
  sluice::PipelineSpec spec(pipeline, std::vector<Page>{{1}, {2}});
  spec.collect = true;
  const sluice::RunResult<double> result = sluice::run_pipeline(spec);
  return result.outputs.empty() ? 1 : 0;
}
