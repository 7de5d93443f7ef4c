"""What all peers have in common: the chain of stages that they run, and what is measured of it.

The chain is that of ../pipeline.cpp: the input is a list of numbers, the first stage makes an item
of --bytes from each, the last stage drops it, and each stage spends --work on it. An item is a
tuple (number, stamp, bytes); the stamp says when the stage before was done with it. All processes
of a host read one clock.
"""

import argparse
import ctypes
import json
import os
import struct
import tempfile
import time

_NOTE = struct.Struct("=Bdd")  # 1 if the record is done, when, and how long it took to get here


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--title", default="chain", help="begins the names of the results")
    parser.add_argument("--work", default="none", help="none, sleep:SECONDS, burn:SECONDS or "
                        "model; by stage, with commas; the last one is that of all after it")
    parser.add_argument("--stages", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="of each stage")
    parser.add_argument("--bytes", type=int, default=1024, help="of an item")
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1, help="records in a batch")
    parser.add_argument("--hops", action="store_true", help="measure the time between stages")
    parser.add_argument("--json", action="store_true", help="the only form there is")
    return parser.parse_args()


def work_of(option, stage):
    works = option.work.split(",")
    kind, _, amount = works[min(stage, len(works) - 1)].partition(":")
    return kind, float(amount or 0)


_prctl = ctypes.CDLL(None).prctl


def sleep_precisely(seconds):
    # By default the kernel lets a sleeper lie 50 µs longer than it asked.
    _prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK; of the thread that calls
    time.sleep(seconds)


def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Link:
    """A stage. Call it with an item, or with a number if it is the first one."""

    def __init__(self, option, stage, folder):
        self.stage = stage
        self.is_last = stage + 1 == option.stages
        self.bytes = option.bytes
        self.kind, self.seconds = work_of(option, stage)
        self.hops = option.hops and stage > 0
        self.folder = folder
        self.file = None
        self.model = None

    def set_up(self):
        if self.kind == "model":
            from model import Model
            self.model = Model()

    def __call__(self, item):
        arrival = time.monotonic()
        number, stamp, payload = (item, arrival, None) if self.stage == 0 else item
        if self.kind == "sleep":
            sleep_precisely(self.seconds)
        elif self.kind == "burn":
            burn(self.seconds)
        elif self.kind == "model" and self.stage > 0:
            self.model(payload)
        if self.stage == 0:
            payload = bytes(self.bytes)
        if self.hops or self.is_last:
            self._note(arrival - stamp)
        return number if self.is_last else (number, time.monotonic(), payload)

    # Each process writes a file of its own, at once: not every peer tells workers that they end.
    def _note(self, hop):
        if self.file is None:
            path = os.path.join(self.folder, f"{self.stage}-{os.getpid()}-{id(self)}")
            self.file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(self.file, _NOTE.pack(self.is_last, time.monotonic(), hop))

    # Peers send stages to their workers; a file stays where it was opened.
    def __getstate__(self):
        return {**self.__dict__, "file": None, "model": None}


class Chain:
    """Stages whose processes note what they did in one folder, for the time of a run."""

    def __init__(self, option):
        self.option = option
        # run.sh removes its folder even where a peer is ended before it can.
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-peer-",
                                                  dir=os.environ.get("SLUICE_BENCH_SCRATCH"))
        self.links = [Link(option, stage, self.folder.name) for stage in range(option.stages)]
        launched = os.environ.get("SLUICE_LAUNCHED_AT")
        self.launch = time.monotonic() - (time.time() - float(launched)) if launched else None

    def report(self, system):
        """Prints the results and removes the folder."""
        ends, hops = [], []
        for entry in os.scandir(self.folder.name):
            with open(entry.path, "rb") as file:
                for is_last, when, hop in _NOTE.iter_unpack(file.read()):
                    if is_last:
                        ends.append(when)
                    if self.option.hops:
                        hops.append(hop)
        self.folder.cleanup()
        assert len(ends) == self.option.records, f"{len(ends)} of {self.option.records} arrived"
        report(self.option, system, ends, hops, self.launch)


def speed_of_light(option, fused):
    """Records a second that the slowest stage and the cores allow; None if stages take no time, or
    a model's. The same as in ../common/work.cpp."""
    works = [work_of(option, stage) for stage in range(option.stages)]
    slowest = max(seconds for _, seconds in works) / option.workers
    if fused:
        slowest = sum(seconds for _, seconds in works) / (option.workers * option.stages)
    cpu = sum(seconds for kind, seconds in works if kind == "burn") / os.cpu_count()
    return 1 / max(slowest, cpu) if max(slowest, cpu) > 0 else None


def report(option, system, ends, hops=(), launch=None):
    """Prints what ../common/work.cpp prints of sluice, under the same names."""
    ends = sorted(ends)
    steady = ends[len(ends) // 10:]
    rate = (len(steady) - 1) / (steady[-1] - steady[0])
    _print(option.title, "", system, rate, "records/s")
    light = speed_of_light(option, system.endswith(", fused"))
    if light is not None:
        _print(option.title, ", share of the speed of light", system, rate / light, "of 1")
    if launch is not None:
        _print(option.title, ", launch to first record done", system, ends[0] - launch, "s")
        _print(option.title, ", launch to last record done", system, ends[-1] - launch, "s")
    if hops:
        hops = sorted(hops)
        _print(option.title, ", hop p50", system, hops[len(hops) // 2] * 1e6, "µs")
        _print(option.title, ", hop p99", system, hops[len(hops) * 99 // 100] * 1e6, "µs")


def _print(title, what, system, value, unit):
    print(json.dumps({"what": f"{title}{what}: {system}", "value": value, "unit": unit},
                     ensure_ascii=False), flush=True)
