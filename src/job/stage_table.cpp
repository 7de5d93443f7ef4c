#include "job/key_tables.hpp"

namespace sluice::job {

const std::vector<KeySpec>& stage_table() {
  static const std::vector<KeySpec> keys{
      {"name", "string", "`\"stage-1\"`, `\"stage-2\"`, …",
       "names the stage in messages and for `--set`; all names differ"},
      {"use", "string", "this or `command`", "the stage kind; `sluice stages` lists them"},
      {"command", "list of strings", "this or `use`",
       "a program in any language and its arguments ([process-stages.md](process-stages.md))"},
      {"env", "table", "",
       "with `command`: the environment that the program needs: `{ venv = \"DIR\" }`, `conda`, "
       "`modules`, `container`, `variables`"},
      {"model", "string", "", "takes from `[models.NAME]` what the stage leaves blank"},
      {"artifacts", "list of tables", "",
       "what each node gets before its stages begin: `[{ uri = \"s3://bucket/key\", dest = "
       "\"$SLUICE_NODE_DIR/NAME\", unpack = false, sha256 = \"…\" }]` "
       "([artifacts.md](artifacts.md))"},
      {"shared_memory", "size", "\"1GiB\"",
       "with `command`: how much memory batches may take on their way to the process, and results "
       "on theirs back"},
      {"start_timeout", "duration", "\"60s\"",
       "with `command`: how long the process may take until it says hello, before it loads "
       "anything"},
      {"plugin", "path", "",
       "a shared library that brings the kind; built against the same version of sluice"},
      {"settings", "table", "",
       "what the kind takes; see below and `sluice stages KIND`. With `command`, whatever the "
       "program takes"},
      {"batch_size", "integer", "1", "most records given to the stage at a time"},
      {"speed", "number", "",
       "records/s that one worker does; workers are shared out so that the slowest stage is as "
       "fast as can be ([planning.md](planning.md)). Stages without it get equal shares"},
      {"workers", "integer", "", "pins the number of workers"},
      {"workers_per_node", "integer", "", "pins it for each node; not together with `workers`"},
      {"cpus", "number", "1.0", "cores that a worker keeps busy"},
      {"gpus", "number", "0",
       "a part of a GPU below 1, or whole GPUs, that a worker needs. The process of a [process "
       "stage](process-stages.md) sees its worker's GPUs alone (`CUDA_VISIBLE_DEVICES`), and none "
       "without this key"},
      {"gpu_memory", "size", "0",
       "bytes that a worker needs on each of its GPUs ([gpu.md](gpu.md))"},
      {"inputs", "string", "\"host\"",
       "`\"device\"`: payloads of 4 KiB and more are on the worker's GPU when the stage is called "
       "([gpu.md](gpu.md))"},
      {"memory", "size", "0", "bytes that a worker needs, for planning"},
      {"spmd", "integer", "1",
       "streaming: ranks that make up one worker, each with all of the above, and get every batch "
       "together ([groups.md](groups.md))"},
      {"selectivity", "number", "1.0",
       "records that the stage makes of each record, on average, for planning"},
      {"over_provision", "number", "1.0",
       "plans the stage for this many times the records that reach it"},
      {"slots", "integer", "2",
       "input batches that a worker holds: one in process (or `depth`), the others fetched ahead"},
      {"depth", "integer", "1",
       "streaming, with a `command`: input batches that a worker has in process at once, for an "
       "engine that makes batches of its own ([process-stages.md](process-stages.md))"},
      {"batch_wait", "duration", "\"100ms\"",
       "how long an idle worker waits for a partial batch to fill"},
      {"byte_budget", "size", "0",
       "most bytes waiting for the stage or on their way to it, 0 for no limit; one batch always "
       "may. Not for the first stage"},
      {"attempts", "integer", "1",
       "how often a batch that fails is tried, before it is split to find the record at fault; see "
       "[failures.md](failures.md)"},
      {"on_failure", "string", "\"fail\"",
       "what becomes of that record: `\"fail\"` stops the run, `\"dead_letter\"` writes it down "
       "and goes on without it"},
      {"setup_attempts", "integer", "3",
       "how often a worker's setup is tried in a row before the run stops"},
      {"max_worker_lifetime", "duration", "0",
       "streaming: a worker older than this is set up again; 0 for never"},
      {"stall_after", "duration", "\"10min\"",
       "one call of the stage's code that takes longer is taken for hung, and the run ends "
       "([stopping.md](stopping.md)); 0: never"}};
  return keys;
}

}  // namespace sluice::job
