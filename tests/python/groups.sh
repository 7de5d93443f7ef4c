#!/usr/bin/env bash
# Ranks of a Python stage that work as one: processes that find each other by torchrun's variables
# and add up by messages of their own, over threads and under mpirun; also when one of them dies.
# usage: groups.sh SLUICE MPIEXEC PYTHON
set -euo pipefail

sluice=$1 mpiexec=$2 python=$3
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! "$python" -c 'import numpy'; then
  echo "skipped: $python has no NumPy; cmake/install-test-tools.sh installs one that has"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/add.py" <<'PYTHON'
import os
import pathlib
import socket
import struct
import time

from sluice import Stage, run


class Add(Stage):
    """Every rank gives a part; all get the sum."""

    def setup(self, context):
        self.rank = int(os.environ["RANK"])
        size = int(os.environ["WORLD_SIZE"])
        assert (self.rank, size) == (context.group_rank, context.group_size)
        assert 0 <= int(os.environ["LOCAL_RANK"]) < int(os.environ["LOCAL_WORLD_SIZE"]) <= size
        self.mark = pathlib.Path(context.settings["mark"])
        master = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        if self.rank == 0:
            server = socket.create_server(master)
            server.settimeout(20)
            self.peers = [server.accept()[0] for _ in range(size - 1)]
        else:
            self.peers = [self.connect(master)]

    def connect(self, master):
        until = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection(master)
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def add(self, value):
        if self.rank > 0:
            self.peers[0].sendall(struct.pack("q", value))
            return self.receive(self.peers[0])
        total = value + sum(self.receive(peer) for peer in self.peers)
        for peer in self.peers:
            peer.sendall(struct.pack("q", total))
        return total

    def receive(self, peer):
        return struct.unpack("q", peer.recv(8, socket.MSG_WAITALL))[0]

    def process(self, batch):
        for record in batch:
            number = int(record.key)
            if number == 17 and self.rank == 1 and self.mark.exists():
                self.mark.unlink()
                os._exit(3)
            record["sum"] = self.add(number * (self.rank + 1))
        return batch


run(Add())
PYTHON

# usage: check NAME SPMD COMMAND…
check() {
  local name=$1 spmd=$2
  shift 2
  touch "$folder/mark"
  cat >"$folder/$name.toml" <<TOML
[pipeline]
name = "groups"
mode = "streaming"
run_dir = "$folder/$name"
[input]
keys = [$(seq -s, -f '"%g"' 1 40)]
[[stage]]
name = "pass"
use = "synthetic"
workers = 1
[[stage]]
name = "add"
command = ["$python", "$folder/add.py"]
settings = { mark = "$folder/mark" }
spmd = $spmd
workers = 1
batch_size = 4
attempts = 2
[[stage]]
name = "write"
use = "jsonl.write"
workers = 1
settings = { path = "sums.jsonl" }
TOML
  PYTHONPATH=$root/python PYTHONDONTWRITEBYTECODE=1 "$@" "$sluice" run "$folder/$name.toml"
  "$python" - "$folder/$name/sums.jsonl" "$spmd" <<'PYTHON'
import json, sys
path, spmd = sys.argv[1], int(sys.argv[2])
rows = [json.loads(line) for line in open(path)]
sums = {int(row["key"]): row["sum"] for row in rows}
assert sums == {n: n * spmd * (spmd + 1) // 2 for n in range(1, 41)}, sums
assert len(rows) == 40
PYTHON
  [[ ! -e $folder/mark ]] || {
    echo "no process died in $name"
    exit 1
  }
}

check threads 2 timeout 60
check ranks 4 timeout 60 "$mpiexec" -n 7
