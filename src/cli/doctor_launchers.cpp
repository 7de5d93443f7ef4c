#include "base/capture.hpp"
#include "cli/doctor.hpp"
#include "runtime/machine.hpp"
#include "transport/mpi.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::cli {
namespace {

bool is_set(const char* variable) { return std::getenv(variable) != nullptr; }

// "Open MPI 4.1.4" of "mpirun (Open MPI) 4.1.4\n…"; as it is if it is of another form.
std::string mpirun_version(const std::string& out) {
  const auto line = out.substr(0, out.find('\n'));
  constexpr std::string_view known = "(Open MPI) ";
  const auto at = line.find(known);
  return at == std::string::npos ? line : "Open MPI " + line.substr(at + known.size());
}

std::string series(const std::string& version) { return version.substr(0, version.rfind('.')); }

Finding same_mpi(const std::string& what, const std::string& version,
                 const transport::MpiVersions& sluice) {
  if (version == sluice.running) return {Health::fine, what + " is " + version, ""};
  const bool related = series(version) == series(sluice.running);
  return {
      related ? Health::note : Health::broken,
      fmt::format("{} is {}, but sluice runs with {}", what, version, sluice.running),
      "put the mpirun of the MPI that sluice was built with first on the PATH, and its libraries "
      "first on LD_LIBRARY_PATH (on clusters: load the one module), or build sluice with this "
      "one"};
}

Findings examine_mpirun(const transport::MpiVersions& versions) {
  const auto mpirun = capture({"mpirun", "--version"});
  if (!mpirun || mpirun->code != 0) {
    return {{Health::note, "there is no mpirun on the PATH",
             "load the MPI module, or start sluice with srun --mpi=pmix"}};
  }
  Findings findings{same_mpi("mpirun", mpirun_version(mpirun->out), versions)};
  if (::geteuid() == 0 && !is_set("OMPI_ALLOW_RUN_AS_ROOT")) {
    findings.push_back({Health::note, "you are root, for whom mpirun starts nothing",
                        "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 in "
                        "containers; be another user elsewhere"});
  }
  if (is_set("OMPI_COMM_WORLD_SIZE") && !is_set("OMPI_MCA_orte_enable_recovery")) {
    findings.push_back({Health::note, "mpirun ends the run when one of its ranks dies",
                        "mpirun --enable-recovery lets it go on without that rank; 'sluice run "
                        "--ranks N' starts mpirun so"});
  }
  return findings;
}

// Of "MpiDefault              = none".
bool plugin_is_default() {
  const auto config = capture({"scontrol", "show", "config"});
  if (!config) return false;
  const auto at = config->out.find("MpiDefault");
  return at != std::string::npos &&
         config->out.substr(at, config->out.find('\n', at) - at).find("pmix") != std::string::npos;
}

Findings examine_srun() {
  const auto list = capture({"sh", "-c", "srun --mpi=list 2>&1"});
  if (!capture({"srun", "--version"}) || !list) {
    return {{Health::fine, "there is no Slurm here", ""}};
  }
  if (list->out.find("MPI plugin types") == std::string::npos) {
    return {{Health::note, "there is an srun, but it does not work here: it belongs to no cluster",
             "use mpirun, or a node where `sinfo` shows partitions"}};
  }
  if (list->out.find("pmix") == std::string::npos) {
    return {{Health::note, "srun has no MPI plugin pmix, by which Open MPI's ranks find each other",
             "use mpirun inside the allocation: salloc -N2 -n64 mpirun sluice run job.toml"}};
  }
  if (plugin_is_default()) return {{Health::fine, "srun uses its MPI plugin pmix", ""}};
  return {{Health::note, "srun has the MPI plugin pmix, but does not use it by itself",
           "type srun --mpi=pmix, or export SLURM_MPI_TYPE=pmix"}};
}

}  // namespace

Findings examine_launchers() {
  const auto versions = transport::mpi_versions();
  Findings findings{same_mpi("the MPI that sluice was built for", versions.built, versions)};
  const auto add = [&](const Findings& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  add(examine_mpirun(versions));
  add(examine_srun());
  if (transport::srun_plugin() == transport::SrunPlugin::none && transport::launched_by_mpi()) {
    findings.push_back({Health::broken, transport::alone_text(), "type srun --mpi=pmix"});
  }
  return findings;
}

Findings examine_cores() {
  const auto cores = runtime::this_machine().cores.size();
  const auto online = static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  Findings findings{{Health::fine, fmt::format("this process may use {} cores", cores), ""}};
  if (cores == 1 && online > 1) {
    findings.push_back({Health::note,
                        fmt::format("it is bound to one of the node's {} processors", online),
                        "mpirun --bind-to none, or srun --cpu-bind=none, leave that to sluice; a "
                        "Slurm job asks for more with --cpus-per-task"});
  }
  const auto ranks = static_cast<std::size_t>(transport::launched_ranks());
  if (const auto here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE"); here != nullptr) {
    const auto local = static_cast<std::size_t>(std::strtoul(here, nullptr, 10));
    if (local > online) {
      findings.push_back({Health::note,
                          fmt::format("{} ranks share {} processors on this node", local, online),
                          "start fewer, unless the stages mostly wait"});
    }
  }
  findings.push_back({Health::fine,
                      ranks > 1 ? fmt::format("the launcher started {} ranks", ranks)
                                : fmt::format("mpirun starts up to {} ranks here without "
                                              "--oversubscribe, srun as many as the job has tasks",
                                              cores),
                      ""});
  return findings;
}

}  // namespace sluice::cli
