#include "job/key_tables.hpp"

namespace sluice::job {

const std::vector<KeySpec>& pipeline_table() {
  static const std::vector<KeySpec> keys{
      {"name", "string", "the file's name without `.toml`", "names the run"},
      {"mode", "string", "\"auto\"",
       "`\"streaming\"`, `\"batch\"` ([batch-mode.md](batch-mode.md)), `\"debug\"`, or `\"auto\"`: "
       "batch on one node with exactly one GPU, else streaming; `--mode` overrides it"},
      {"run_dir", "path", "\"runs/NAME\"",
       "the folder that relative output paths belong to; made if need be; `--run-dir` overrides "
       "it"},
      {"autoscale", "boolean", "true",
       "streaming: whether ranks may change their stages while the run goes on; see "
       "[autoscaling.md](autoscaling.md)"},
      {"commit_every", "duration", "\"5s\"",
       "streaming: how often what is done is committed to the journal, at the most: what a crash "
       "may cost; see [resume.md](resume.md)"},
      {"grace", "duration", "\"30s\"",
       "how long a run that is told to stop may take to finish what is in flight; see "
       "[stopping.md](stopping.md)"},
      {"stop_before_end", "duration", "a minute, but no more than a quarter of what is left",
       "how long before the end of a Slurm job the run stops by itself, 0 for never; see "
       "[stopping.md](stopping.md#when-a-slurm-job-ends)"},
      {"device_path", "string", "\"auto\"",
       "how payloads get from GPU to GPU: `\"auto\"`, `\"ipc\"`, `\"nccl\"` or `\"host\"` "
       "([gpu.md](gpu.md))"},
      {"heartbeat_timeout", "duration", "\"60s\"",
       "a process that says nothing for so long is taken for hung; 0: never"},
      {"keep_intermediates", "boolean", "false",
       "batch mode: keep what a stage made after the next one is finished"},
      {"max_dead_letters", "number or string", "\"10%\"",
       "the run stops once more than this share of its inputs has dead letters "
       "([failures.md](failures.md)): from 0 to 1, or a percentage"}};
  return keys;
}

const std::vector<KeySpec>& input_table() {
  static const std::vector<KeySpec> keys{
      {"files", "list of globs", "",
       "one for each file that matches, sorted by path; its key is the path. `*`, `?`, `[a-z]` and "
       "`{a,b}` work; folders do not count; every glob must match a file"},
      {"list", "path", "", "one for each line that is not empty; its key is the line"},
      {"jsonl", "path", "",
       "one for each row of a JSON Lines file; its key is the row's `key`, or its line number; the "
       "other members become fields (strings, whole numbers as int64, other numbers as double; "
       "nothing else)"},
      {"keys", "list of strings", "", "one for each string; its key is the string"},
      {"s3", "URI", "",
       "one for each object whose key begins as `s3://bucket/prefix/` says, sorted by key; its key "
       "is `bucket/key`, as `s3.get` takes it. Empty objects whose keys end with `/` do not count. "
       "[object-storage.md](object-storage.md) says where server and credentials come from"},
      {"limit", "integer", "", "takes only so many of them, the first ones"},
      {"shard", "string", "",
       "`\"3/8\"` (`--shard 3/8`) takes the third of eight equal parts, in a run directory of its "
       "own: see [slurm.md](slurm.md#job-arrays)"}};
  return keys;
}

const std::vector<KeySpec>& store_table() {
  static const std::vector<KeySpec> keys{
      {"uri", "string", "RUN_DIR/intermediates",
       "a folder (a relative one belongs to the folder in which sluice runs), or "
       "`s3://bucket/prefix`"},
      {"compression", "string", "\"none\"", "`\"none\"` or `\"zstd\"`"},
      {"publish_every", "duration", "\"5s\"",
       "a worker publishes what it made at least so often: what a crash may cost"}};
  return keys;
}

const std::vector<KeySpec>& env_table() {
  static const std::vector<KeySpec> keys{
      {"venv", "path", "",
       "a Python virtual environment: its `bin` comes first on `PATH`, `VIRTUAL_ENV` is set"},
      {"conda", "string", "",
       "a conda environment, by its name or its folder: likewise, with `CONDA_PREFIX`; its "
       "`activate.d` scripts are run by bash, once for each rank's process. A name is looked for "
       "in `CONDA_ENVS_PATH`, in the installations that `CONDA_EXE`, `MAMBA_ROOT_PREFIX` and "
       "`PATH` name, in the usual folders of the home, and in `~/.conda/environments.txt`"},
      {"modules", "list of strings", "",
       "environment modules, such as `[\"cuda/12\"]`: `module load` in a login shell of bash, once "
       "for each rank's process"},
      {"container", "path", "",
       "Apptainer (or Singularity) runs the command in this image, with the working folder, the "
       "run directory and the node's folder ([artifacts.md](artifacts.md)) where they are outside. "
       "A worker with GPUs has them in it (`--nv`)"},
      {"variables", "table", "", "`{ NAME = \"value\" }`: set last, as they are"}};
  return keys;
}

const std::vector<KeySpec>& artifact_table() {
  static const std::vector<KeySpec> keys{
      {"uri", "string", "",
       "a file or a folder (a relative one belongs to the folder in which sluice runs), "
       "`s3://bucket/key`, or, with a slash at its end, all objects below `s3://bucket/prefix/`. "
       "[object-storage.md](object-storage.md) says where server and credentials come from"},
      {"dest", "string", "",
       "a place below the node's folder: `$SLUICE_NODE_DIR/NAME`, or just `NAME`"},
      {"unpack", "boolean", "false",
       "`true`: the file is an archive (tar with any usual compression, zip, 7-Zip or cpio), and "
       "`dest` becomes the folder with what is in it"},
      {"sha256", "string", "",
       "of the file, as `sha256sum` prints it. A run with another file stops"}};
  return keys;
}

}  // namespace sluice::job
