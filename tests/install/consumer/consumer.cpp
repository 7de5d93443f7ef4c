#include <sluice/sluice.hpp>

#include <iostream>

int main() {
  return sluice::guard_main([] {
    const auto pipeline =
        sluice::Pipeline<int>("squares")
            .then(sluice::map<int>([](int n) { return n * n; }),
                  {.name = "square", .batch_size = 3})
            .then(sluice::map<int>([](int n) { return std::to_string(n); }), {.name = "print"});
    sluice::PipelineSpec spec(pipeline, std::vector<int>{1, 2, 3, 4, 5});
    spec.collect = spec.in_order = true;
    spec.options.mode = sluice::Mode::debug;
    const auto result = sluice::run_pipeline(spec);
    for (const auto& text : result.outputs) std::cout << text << '\n';
    return result.outputs == std::vector<std::string>{"1", "4", "9", "16", "25"} ? 0 : 1;
  });
}
