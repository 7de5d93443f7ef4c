// error: a record type must be default-constructible and have a serialize member or functions
#include "../stages.hpp"

struct Opaque {
  int number = 0;
};

auto pipeline =
    sluice::Pipeline<int>("opaque").then(sluice::map<int>([](int) { return Opaque(); }));
