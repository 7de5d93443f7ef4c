// error: _Tp = Unique; _Args = {Unique&}
#include "../stages.hpp"

#include <memory>

struct Unique : Read {
  std::unique_ptr<int> model;
};

auto pipeline = sluice::Pipeline<Page>("count").then(Unique());
