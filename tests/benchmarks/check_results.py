"""check_results.py RESULTS SUITE…: exits with 1 unless the results are complete."""

import collections
import json
import math
import sys

MACHINE = {"date", "commit", "size", "seeds", "cpu", "cores", "memory_kib", "kernel", "mpi",
           "compiler", "build", "load_before"}


def main():
    path, *suites = sys.argv[1:]
    entries = [json.loads(line) for line in open(path)]
    missing = MACHINE - entries[0].keys()
    assert not missing, f"the first line does not say: {missing}"
    samples = collections.defaultdict(int)
    unfinished = 0
    for entry in entries[1:]:
        if "step" in entry:
            assert unfinished > 0, f"{entry['step']} measured nothing"
            assert entry["seconds"] >= 0
            assert "/benchmark-" not in entry["step"], f"another run will not know {entry['step']}"
            unfinished = 0
        elif "what" in entry:
            assert entry["suite"] in suites and entry["round"] >= 1, entry
            assert isinstance(entry["unit"], str), entry
            assert math.isfinite(entry["value"]), entry
            samples[entry["suite"]] += 1
            unfinished += 1
        else:
            assert {"compare", "with", "aim"} <= entry.keys(), entry
    assert unfinished == 0, "the last step did not end"
    for suite in suites:
        assert samples[suite] > 0, f"nothing was measured in {suite}"
    names = {entry["what"] for entry in entries if "what" in entry}
    for entry in entries:
        for name in (entry.get("compare"), entry.get("with"), entry.get("yardstick")):
            assert name is None or name in names, f"{name} is compared, but not measured"


main()
