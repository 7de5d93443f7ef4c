#include "slurm/slurm_job.hpp"

#include <thread>

namespace sluice::slurm {
namespace {

using Clock = std::chrono::steady_clock;

bool within(std::chrono::seconds limit, const auto& condition) {
  for (const auto until = Clock::now() + limit; Clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return false;
}

}  // namespace

std::string SlurmJobs::submit(const std::string& name, const Arguments& flags,
                              const Arguments& options) {
  Arguments words{"env",        "SLUICE=" SLUICE_BINARY, "JOB=job.toml", "sbatch",
                  "--parsable", "--output=log"};
  words.insert(words.end(), flags.begin(), flags.end());
  words.push_back(fmt::format("{}/jobs/slurm/{}.sbatch", SLUICE_SOURCE, name));
  words.insert(words.end(), options.begin(), options.end());
  const auto ended = command(words);
  EXPECT_EQ(ended.code, 0) << ended.err;
  return ended.out.substr(0, ended.out.find('\n'));
}

std::string SlurmJobs::about(const std::string& job, const std::string& word) {
  const auto text = command({"scontrol", "show", "job", "-o", job}).out;
  const auto at = text.find(" " + word + "=");
  if (at == std::string::npos) return "";
  const auto begin = at + word.size() + 2;
  return text.substr(begin, text.find(' ', begin) - begin);
}

int SlurmJobs::attempts() {
  if (!std::filesystem::exists(folder_ / "out/journal")) return 0;
  const auto text = store::read_text(folder_ / "out/journal");
  int count = 0;
  for (auto at = text.find("\"attempt\""); at != std::string::npos;
       at = text.find("\"attempt\"", at + 1)) {
    ++count;
  }
  return count;
}

void SlurmJobs::in_the_middle_of(const std::string& job, int restarts) {
  const auto works = [&] {
    return about(job, "Restarts") == std::to_string(restarts) && attempts() > restarts;
  };
  EXPECT_TRUE(within(std::chrono::seconds(90), works))
      << "restart " << restarts << " did not come: " << about(job, "JobState") << "\n"
      << log();
  std::this_thread::sleep_for(std::chrono::seconds(2));
}

std::string SlurmJobs::end_of(const std::string& job, std::chrono::seconds limit) {
  const auto over = [&] {
    const auto state = about(job, "JobState");
    return state != "PENDING" && state != "RUNNING" && state != "COMPLETING" &&
           state != "CONFIGURING" && state != "REQUEUED";
  };
  EXPECT_TRUE(within(limit, over)) << log();
  return about(job, "JobState");
}

}  // namespace sluice::slurm
