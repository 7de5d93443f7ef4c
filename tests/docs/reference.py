#!/usr/bin/env python3
"""reference.py SLUICE DOCS [--update]: the tables of keys and settings in docs/ are those of the
code, and none is missing. With --update they become so."""

import pathlib
import re
import subprocess
import sys

REGION = re.compile(r"(<!-- reference: (.+?) -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)


def main(sluice, docs, *options):
    def reference(*part):
        command = [sluice, "reference", *part]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()

    shown, stale = [], []
    for page in sorted(pathlib.Path(docs).glob("*.md")):
        old = page.read_text()
        new = REGION.sub(lambda m: m[1] + reference(m[2]) + m[4], old)
        shown += [match[2] for match in REGION.finditer(old)]
        if new == old:
            continue
        stale.append(page.name)
        if "--update" in options:
            page.write_text(new)
    missing = sorted(set(reference().splitlines()) - set(shown))
    if missing:
        sys.exit("no page in docs/ shows: " + ", ".join(missing))
    if stale and "--update" not in options:
        sys.exit(f"not as the code has it: {', '.join(stale)}; run {sys.argv[0]} with --update")


main(*sys.argv[1:])
