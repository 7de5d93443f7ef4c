#include "cli/doctor.hpp"
#include "job/build.hpp"
#include "job/input.hpp"
#include "runtime/spec.hpp"
#include "store/object_store.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <chrono>
#include <functional>

namespace sluice::cli {
namespace {

// Errors say what to do, so they are their own fix.
Finding try_it(const std::string& what, const std::function<void()>& attempt) {
  try {
    attempt();
  } catch (const Error& error) {
    return {Health::broken, error.what(), ""};
  }
  return {Health::fine, what, ""};
}

void list_one(const std::string& uri) {
  auto config = store::find_s3_config();
  config.retry_for = std::chrono::seconds(5);
  config.most_attempts = 2;
  store::s3_client(config)->list(store::parse_s3_uri(uri), 1, store::ObjectStore::Folders::skipped);
}

}  // namespace

Findings examine_job(const std::string& path) {
  job::JobFile file;
  Findings findings{try_it("the job file is right, and its plugins load", [&] {
    file = job::load_job(path);
    auto registry = job::builtin_stages();
    const auto stages = job::build_stages(file, registry);
    runtime::validate(job::build_spec(file, stages, {}));
  })};
  if (findings.front().health == Health::broken) return findings;
  const bool from_s3 = file.input.source == job::InputEntry::Source::s3;
  if (from_s3) {
    const auto& uri = file.input.values.at(0);
    findings.push_back(try_it("the object store answers for " + uri, [&] { list_one(uri); }));
  } else {
    findings.push_back(try_it("its input can be read", [&] { (void)job::read_input(file.input); }));
  }
  if (const auto& uri = file.batch.store; store::is_s3_uri(uri)) {
    findings.push_back(try_it("the object store answers for " + uri, [&] { list_one(uri); }));
  }
  return findings;
}

}  // namespace sluice::cli
