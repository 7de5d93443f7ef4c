#pragma once

#include <sluice/run.hpp>

namespace sluice::observe {

/// A run of three stages in its middle, of which the second is the bottleneck.
inline RunStatus some_run() {
  RunStatus status;
  status.pipeline = "pages \"of\" <x>";
  status.inputs = 120;
  status.done = 40;
  status.done_before = 10;
  status.seconds = 15;
  status.first_done = 0.5;
  status.dead_letters = 2;
  status.stages = {{.name = "read", .workers = 4, .batches = 9, .records_in = 40},
                   {.name = "ocr", .workers = 2, .batches = 35, .records_in = 35},
                   {.name = "write", .workers = 1, .records_in = 30, .shards = 3}};
  status.stages[0].running = 6;
  status.stages[0].blocked = 54;
  status.stages[1].running = 27;
  status.stages[1].starved = 1;
  status.stages[1].setup = 2;
  status.stages[2].expected = 99;
  status.channels = {{1, 2, 3}, {4, 5, 6}};
  status.replans = {{3, 1, 20, 2, "one"}, {9, 2, 30, 3, "two"}};
  status.lost = {{7, "ocr", 11}};
  status.slowest = {{"ocr", "p 7", 8, 3, 2.5}, {"read", "p <1>", 1, 1, 0.5}};
  return status;
}

}  // namespace sluice::observe
