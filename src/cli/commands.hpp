#pragma once

#include "cli/command_tree.hpp"

#include <sluice/run.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cli {

/// Ranks that sluice itself starts, by mpirun.
struct RanksArguments {
  std::size_t ranks = 0;     ///< the coordinator included; 0: whoever started sluice sees to that
  std::size_t restarts = 0;  ///< how often a run that is lost is gone on with
};

/// How a run is to be observed.
struct WatchArguments {
  std::string progress = "auto";  ///< how the run's course is shown meanwhile
  bool trace = false;
  std::string page;   ///< the port of a live page; "0": any; empty: none is wanted
  std::string token;  ///< for it; empty: a random one, "none": none is asked for
};

/// What the command line says about a job.
struct JobArguments {
  std::string file;
  std::vector<std::string> sets;  ///< KEY=VALUE
  std::string mode;               ///< empty: as the job file says
  std::string run_dir;            ///< empty: as the job file says
  std::size_t workers = 0;        ///< threads when not under a launcher; 0: chosen
  std::string from;               ///< batch mode: run again from this stage on
  std::string only;               ///< batch mode: run this stage again, by itself
  bool fresh = false;             ///< forget an unfinished run in the run directory
  bool resume = false;            ///< go on with it
  WatchArguments watch;
  std::string shard;  ///< I/N; empty: as the job file says
  RanksArguments ranks;
};

struct ResumeArguments {
  std::string run_dir;
  std::size_t workers = 0;
  bool force = false;  ///< even if the pipeline has changed
  WatchArguments watch;
  RanksArguments ranks;
};

struct MergeArguments {
  std::vector<std::string> run_dirs;
  std::string out;  ///< empty: beside the first of them
};

struct DoctorArguments {
  std::string job;  ///< look at what this job needs, too
  std::string folder = ".";
};

struct SbatchArguments {
  JobArguments job;
  std::string topology;  ///< empty: one node like this one
  std::string time;      ///< as Slurm takes it; empty: the plan's, or the site's default
  std::string output;    ///< the script; empty: JOB.sbatch
  bool submit = false;
  std::vector<std::string> flags;  ///< for sbatch
};

struct CatArguments {
  std::string run_dir;
  std::string stage;              ///< its name, or its number from 1
  std::vector<std::string> keys;  ///< only records with these; all if empty
  bool payload = false;           ///< bytes as base64 and not their digest
  bool replay = false;            ///< what `run --only` made
};

/// What --mode says; throws UsageError.
Mode mode_option(const std::string& text);

struct PlanArguments {
  JobArguments job;
  std::string topology;  ///< empty: the nodes that are here
  bool json = false;
  bool explain = false;
  double reserved = 0;  ///< cores of the first node that are not for workers
};

struct StatusArguments {
  std::string run_dir;
  bool json = false;
};

struct TopArguments {
  std::string run_dir;
  double interval = 1;  ///< seconds
  double wait = 60;     ///< for the run to begin, seconds
};

struct ReportArguments {
  std::string run_dir;
  std::string out;  ///< the file; empty: report.html or trace.json in the run directory
  bool json = false;
  bool trace = false;
};

struct StagesArguments {
  std::string kind;  ///< empty: all of them
  std::vector<std::string> plugins;
  bool json = false;
};

struct SimulateArguments {
  JobArguments job;
  std::string topology;     ///< empty: one node
  std::size_t workers = 8;  ///< of that node
  std::uint64_t seed = 0;
  std::uint64_t inputs = 0;             ///< 0: as many as the job has
  double until = 0;                     ///< virtual seconds; 0: to the end
  double handling = 2e-6;               ///< seconds
  double latency = 20e-6;               ///< seconds
  double bandwidth = 1.25e9;            ///< bytes/s
  std::vector<std::string> slow;        ///< STAGE:AT:FACTOR
  std::vector<std::string> slow_ranks;  ///< RANK:FACTOR
  bool json = false;
};

struct CompletionArguments {
  std::string shell;
  std::function<ProgramText()> program;
};

struct ManArguments {
  std::string command;  ///< empty: of the whole program
  std::string all;      ///< a folder for all pages
  std::function<ProgramText()> program;
};

/// For docs/, whose tables of keys and settings are made from those in the code.
struct ReferenceArguments {
  std::string part;  ///< empty: list them
};

// Each returns the exit code and throws Error.
int run_job(const JobArguments& arguments);
int resume_job(const ResumeArguments& arguments);
int retry_job(const ResumeArguments& arguments);
int plan_job(const PlanArguments& arguments);
int show_records(const CatArguments& arguments);
int validate_job(const JobArguments& arguments);
int simulate_job(const SimulateArguments& arguments);
int show_status(const StatusArguments& arguments);
int watch_run(const TopArguments& arguments);
int write_report(const ReportArguments& arguments);
int merge_runs(const MergeArguments& arguments);
int check_environment(const DoctorArguments& arguments);
int write_sbatch(const SbatchArguments& arguments);
int list_stages(const StagesArguments& arguments);
int print_completion(const CompletionArguments& arguments);
int print_manual(const ManArguments& arguments);
int print_reference(const ReferenceArguments& arguments);

}  // namespace sluice::cli
