"""The chain in GNU parallel: one for each stage, feeding the next by a pipe, a record a line.

A process starts for every record and stage, which is what GNU parallel is for; work is sleep(1).
Items larger than a line and work that needs a set-up don't fit."""

import shlex
import subprocess
import time

import chain


def command(option, stage):
    kind, seconds = chain.work_of(option, stage)
    work = f"sleep {seconds}; " if kind == "sleep" else ""
    item = "{} " + "x" * option.bytes if stage == 0 else "{}"
    return f"parallel --will-cite -j {option.workers} {shlex.quote(work + 'echo ' + item)}"


def main():
    option = chain.options(__doc__)
    kinds = {chain.work_of(option, stage)[0] for stage in range(option.stages)}
    if not kinds <= {"none", "sleep"}:
        raise SystemExit("gnu_parallel.py: no such work here")
    work = chain.Chain(option)
    stages = " | ".join(command(option, stage) for stage in range(option.stages))
    ends = []
    with subprocess.Popen(["bash", "-c", f"seq {option.records} | {stages}"],
                          stdout=subprocess.PIPE) as shell:
        for _ in shell.stdout:
            ends.append(time.monotonic())
    assert len(ends) == option.records, f"{len(ends)} of {option.records} arrived"
    chain.report(option, "GNU parallel", ends, launch=work.launch)


if __name__ == "__main__":
    main()
