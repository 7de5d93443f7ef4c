"""plots.py RESULTS.jsonl: draws what run.sh measured, and adds the drawings to its page."""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt


def medians(path):
    values = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "what" in entry:
            key = (entry["suite"], entry["what"], entry["unit"])
            values.setdefault(key, []).append(entry["value"])
    return {key: statistics.median(found) for key, found in values.items()}


def systems(measured, suite_wanted):
    """{title: {system: value}} of the results named "TITLE: SYSTEM"."""
    titles = {}
    for (suite, what, unit), value in measured.items():
        title, _, system = what.rpartition(": ")
        if suite == suite_wanted and title and (unit == "records/s" or title.endswith("hop p50")):
            titles.setdefault(f"{title}, {unit}", {})[system] = value
    return {title: found for title, found in titles.items() if len(found) > 1}


def draw_peers(measured):
    titles = {title: found for suite in sorted({suite for suite, _, _ in measured})
              for title, found in systems(measured, suite).items()}
    if not titles:
        return None
    figure, all_axes = plt.subplots(len(titles), 1, squeeze=False,
                                    figsize=(8, sum(1 + 0.25 * len(t) for t in titles.values())))
    for axes, (title, found) in zip(all_axes[:, 0], titles.items()):
        names = list(reversed(found))
        colours = ["tab:orange" if name == "sluice" else "tab:blue" for name in names]
        axes.barh(names, [found[name] for name in names], color=colours)
        axes.set_xscale("log")
        axes.set_title(title, fontsize=9)
    return figure


def draw_scaling(measured):
    figure, axes = plt.subplots(figsize=(6, 4))
    for kind in ("strong scaling", "weak scaling", "simulated"):
        points = []
        for (_, what, _), value in measured.items():
            if what.startswith(kind) and ("ideal time, whole run" in what or kind == "simulated"):
                points.append((int(what.split(", ")[1].split()[0]), value))
        if points:
            axes.plot(*zip(*sorted(points)), marker="o", label=kind)
    if not axes.lines:
        return None
    axes.set_xscale("log")
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("workers")
    axes.set_ylabel("share of the ideal time")
    axes.legend()
    return figure


def draw_light(measured):
    shares = {what.partition(", share of the speed of light")[0]: value
              for (suite, what, _), value in measured.items()
              if suite in ("pipeline", "chains") and ", share of the speed of light" in what}
    if not shares:
        return None
    figure, axes = plt.subplots(figsize=(8, 1 + 0.3 * len(shares)))
    axes.barh(list(reversed(shares)), list(reversed(shares.values())), color="tab:orange")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("share of the speed of light")
    return figure


def main():
    results = pathlib.Path(sys.argv[1])
    measured = medians(results)
    page = results.with_suffix(".md")
    for name, draw in (("peers", draw_peers), ("light", draw_light), ("scaling", draw_scaling)):
        figure = draw(measured)
        if figure is None:
            continue
        file = results.with_name(f"{results.stem}-{name}.svg")
        figure.tight_layout()
        figure.savefig(file)
        with page.open("a") as text:
            text.write(f"\n![{name}]({file.name})\n")


main()
