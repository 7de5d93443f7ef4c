#!/usr/bin/env bash
# cluster.sh NODES COMMAND…: starts a Slurm cluster of so many nodes on this one machine, from Debian's
# packages, runs the command with SLURM_CONF set, and ends with its exit code. Each node, n1, n2, …, has
# 4 CPUs, 2 GPUs that are none, and a host name and a /dev/shm of its own. All of it lives in a PID
# namespace that ends with this script, however that ends; ports are free ones. Exit code 77 and a
# line with the reason: no cluster can be had here.
#
# For the command: $SLUICE_CLUSTER is the cluster's folder, with log/; `kill "$(cat
# $SLUICE_CLUSTER/run/n2.node)"` (-KILL) takes node n2 away with all that runs there.
set -euo pipefail

skip() {
  echo "no Slurm cluster here: $*" >&2
  exit 77
}

require() {
  [ "$(id -u)" -eq 0 ] || skip "starting one takes root"
  local program
  for program in munged slurmctld slurmd srun sbatch unshare python3; do
    command -v "$program" >/dev/null || skip "$program is missing (tests/run.sh installs it)"
  done
  unshare -u -m -p --fork --mount-proc true 2>/dev/null || skip "the machine forbids namespaces"
  grep -q cgroup /proc/mounts || skip "slurmd needs a cgroup file system, and none is mounted"
}

# free_ports COUNT: all are open at once, so that they differ.
free_ports() {
  python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*[each.getsockname()[1] for each in sockets])
PYTHON
}

configure() {
  local ports i
  read -r -a ports < <(free_ports $((nodes + 1)))
  mkdir -p "$dir"/{run,log,state,spool,tmp}
  for i in 0 1; do
    mknod "$dir/run/gpu$i" c 1 3 || skip "devices cannot be made"
  done
  cat >"$dir/slurm.conf" <<CONF
ClusterName=sluice
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
TmpFS=$dir/tmp/%n
PlugStackConfig=/dev/null
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=${MPI_DEFAULT:-pmix}
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000,batch_sched_delay=0,requeue_setup_env_fail
ReturnToService=2
InactiveLimit=0
MinJobAge=600
KillWait=5
UnkillableStepTimeout=20
SlurmctldTimeout=30
SlurmdTimeout=30
GresTypes=gpu
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  for ((i = 1; i <= nodes; ++i)); do
    mkdir -p "$dir"/{spool,tmp}/n$i
    echo "NodeName=n$i NodeHostname=n$i NodeAddr=127.0.0.1 Port=${ports[i]} CPUs=4" \
      "RealMemory=4000 Gres=gpu:2 State=UNKNOWN" >>"$dir/slurm.conf"
    echo "NodeName=n$i Name=gpu Count=2 File=$dir/run/gpu[0-1]" >>"$dir/gres.conf"
  done
}

start_munge() {
  head -c 1024 /dev/urandom >"$dir/run/munge.key"
  chmod 600 "$dir/run/munge.key"
  munged --key-file="$dir/run/munge.key" --socket="$dir/run/munge.socket" \
    --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" \
    --seed-file="$dir/run/munged.seed"
}

start_nodes() {
  local i
  for ((i = 1; i <= nodes; ++i)); do
    # shellcheck disable=SC2016  # for the inner shell
    unshare -u -m -p --fork --mount-proc --kill-child --propagation private -- sh -c \
      'hostname "$1" && mount -t tmpfs tmpfs /dev/shm && exec slurmd -D -N "$1"' sh n$i \
      </dev/null >/dev/null 2>&1 &
    echo $! >"$dir/run/n$i.node"
  done
}

wait_for_nodes() {
  local i
  for ((i = 0; i < 300; ++i)); do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" != "$nodes" ] || return 0
    sleep 0.1
  done
  tail -n 5 "$dir"/log/*.log >&2
  skip "its nodes did not come up; their last words are above"
}

# Everything that is started here dies with this process, the first of its namespace.
inside() {
  configure
  export SLURM_CONF=$dir/slurm.conf SLUICE_CLUSTER=$dir
  start_munge
  slurmctld -c
  start_nodes
  wait_for_nodes
  "$@"
}

if [ -n "${SLUICE_CLUSTER_INSIDE:-}" ]; then
  dir=$SLUICE_CLUSTER_INSIDE nodes=$1
  unset SLUICE_CLUSTER_INSIDE
  shift
  inside "$@"
  exit
fi
require
# The paths of sockets are short, and munged wants to be reached by everyone.
dir=$(TMPDIR=/tmp mktemp -d -t sluice-slurm.XXXXXX)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
SLUICE_CLUSTER_INSIDE=$dir setpriv --pdeathsig KILL \
  unshare -m -p --fork --mount-proc --kill-child --propagation private -- "${BASH_SOURCE[0]}" "$@"
