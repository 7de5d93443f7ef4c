// error: a record type must be default-constructible and have a serialize member or functions
#include "../stages.hpp"

struct Numbered : Page {
  explicit Numbered(int n) { number = n; }
};

auto pipeline =
    sluice::Pipeline<int>("numbered").then(sluice::map<int>([](int n) { return Numbered(n); }));
