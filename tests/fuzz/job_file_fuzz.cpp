#include "fuzz/target.hpp"
#include "job/job_file.hpp"

#include <sluice/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    sluice::job::parse_job(sluice::fuzz::text_of(data, size), "fuzz.toml");
  } catch (const sluice::UsageError&) {
  }
  return 0;
}
