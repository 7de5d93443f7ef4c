"""Reads a trace in Chrome's format, knowing nothing of the program that wrote it, and says what is
wrong with it: spans that overlap without one holding the other, times that go back, arrows without
both ends or whose ends lie in no span, batches that are there twice or, if their number is given
for each stage as JSON, missing. Prints what it found, as JSON."""
import collections
import itertools
import json
import sys


def nanoseconds(microseconds):
    return round(1000 * microseconds)


def check_nesting(track, spans):
    """The times are whole nanoseconds, so nothing is forgiven."""
    open_ends = []
    last = -1
    for begin, end, name in spans:
        assert begin >= last, f"{track}: {name} is written after a later one"
        assert end >= begin, f"{track}: {name} ends before it begins"
        last = begin
        while open_ends and open_ends[-1] <= begin:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1], f"{track}: {name} at {begin} overlaps"
        open_ends.append(end)


def most_at_once(spans):
    """However they lie on the tracks."""
    changes = sorted((at, step) for begin, end in spans for at, step in ((begin, 1), (end, -1)))
    return max(itertools.accumulate(step for at, step in changes), default=0)


def holds(spans, at):
    return any(begin <= at < end for begin, end, name in spans)


def main(path, expected="{}"):
    with open(path, encoding="utf-8") as file:
        trace = json.load(file)
    tracks = collections.defaultdict(list)
    ends = {"s": {}, "f": {}}
    names = set()
    found = collections.Counter()
    keys = set()
    batches = set()
    inside = collections.defaultdict(list)  # by rank and stage
    for event in trace["traceEvents"]:
        kind, track = event["ph"], (event["pid"], event.get("tid"))
        if kind == "M":
            names.add((event["name"], *track) if event["name"].startswith("thread")
                      else (event["name"], event["pid"]))
        if kind == "X":
            # A teardown that does nothing may end in the nanosecond in which it began.
            shortest = 0 if event["cat"] == "setup" else 1e-3
            assert event["ts"] >= 0 and event["dur"] >= shortest, event
            begin = nanoseconds(event["ts"])
            tracks[track].append((begin, begin + nanoseconds(event["dur"]), event["name"]))
            found[f"{event['cat']} {event['name']}"] += 1
            keys.update(event.get("args", {}).get("keys", []))
            if event["cat"] == "process":
                args = event["args"]  # in batch mode each rank counts its own
                batch = (event["pid"], event["name"], args["epoch"], args["batch"])
                assert batch not in batches, f"there twice: {batch}"
                batches.add(batch)
                inside[event["pid"], event["name"]].append(tracks[track][-1][:2])
        if kind in ends:
            assert event["id"] not in ends[kind], f"two ends: {event}"
            ends[kind][event["id"]] = (track, nanoseconds(event["ts"]))
    for track, spans in tracks.items():
        check_nesting(track, spans)
        assert ("process_name", track[0]) in names, f"{track[0]} has no name"
        assert ("thread_name", *track) in names, f"{track} has no name"
    assert ends["s"].keys() == ends["f"].keys(), "arrows with one end"
    for flow, (source, left) in ends["s"].items():
        target, came = ends["f"][flow]
        assert left <= came, f"flow {flow} goes back in time"
        assert source != target, f"flow {flow} goes nowhere"
        for track, at in ((source, left), (target, came)):
            assert holds(tracks[track], at), f"flow {flow} ends in no span"
    for stage, count in json.loads(expected).items():
        assert found[f"process {stage}"] == count, f"{stage} has not {count} batches: {found}"
    at_once = {stage: max(most_at_once(spans) for (rank, name), spans in inside.items()
                          if name == stage) for rank, stage in inside}
    print(json.dumps({"spans": found, "flows": len(ends["s"]), "keys": len(keys),
                      "at_once": at_once}))


main(*sys.argv[1:])
