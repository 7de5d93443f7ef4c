#!/usr/bin/env bash
# Runs one job twice, on 9 ranks of mpirun and in the simulator, and compares how long it took.
#   benchmarks/simulated.sh [BUILD]    BUILD: the build folder, "build" by default
# The stages sleep, so cores do not matter as long as some are idle. No stage says how fast it is, so
# ranks change their stages in both. Exits with 1 if the times differ by more than 10%.
set -euo pipefail
cd "$(dirname "$0")/.."
sluice=$PWD/${1:-build}/sluice
records=3000

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
seq "$records" >keys.txt
cat >job.toml <<'TOML'
[pipeline]
name = "sleepers"
[input]
list = "keys.txt"
[[stage]]
name = "read"
use = "synthetic"
settings = { service = "lognormal", mean = "10ms", sigma = 0.5, seed = 1 }
[[stage]]
name = "work"
use = "synthetic"
settings = { service = "lognormal", mean = "40ms", sigma = 0.5, seed = 2, setup = "500ms" }
[[stage]]
name = "check"
use = "synthetic"
workers = 2
settings = { service = "fixed", mean = "10ms", seed = 3 }
TOML

real=$(mpirun --timeout 300 -n 9 "$sluice" run job.toml 2>run.log | sed -n 's/.* done in \([0-9.]*\) s .*/\1/p')
"$sluice" simulate job.toml --workers 8 --json >simulated.json 2>/dev/null
simulated=$(python3 -c 'import json; print(json.load(open("simulated.json"))["seconds"])')
grep -o '[0-9]* ranks* changes* stage.*' run.log | sed 's/^/mpirun:    /' || true
"$sluice" simulate job.toml --workers 8 2>/dev/null | grep ' change' | sed 's/^ */simulated: /' || true
python3 - "$real" "$simulated" "$records" <<'PYTHON'
import sys
real, simulated, records = (float(x) for x in sys.argv[1:])
print(f"mpirun -n 9: {real:.2f} s ({records / real:.1f}/s); simulated: {simulated:.2f} s "
      f"({records / simulated:.1f}/s); ratio {real / simulated:.3f} (target 0.9 to 1.1)")
sys.exit(not 0.9 <= real / simulated <= 1.1)
PYTHON
