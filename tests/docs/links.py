#!/usr/bin/env python3
"""links.py SOURCE: every link of a Markdown page to another file, or to a heading, leads there; and
docs/README.md leads to every page of docs/."""

import pathlib
import re
import sys

from markdown import FENCE, without_code

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page):
    """Those that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def broken(page):
    for link in LINK.findall(without_code(page.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield f"{page}: there is no {path}"
        elif anchor and anchor not in anchors(target):
            yield f"{page}: {target} has no heading for #{anchor}"


def main(source):
    source = pathlib.Path(source).resolve()
    pages = [page for page in source.rglob("*.md")
             if not page.relative_to(source).parts[0].startswith(("build", "runs"))]
    wrong = [error for page in pages for error in broken(page)]
    index = source / "docs/README.md"
    listed = {(index.parent / link).resolve() for link in LINK.findall(index.read_text())}
    wrong += [f"docs/README.md does not lead to {page}"
              for page in sorted((source / "docs").glob("*.md"))
              if page != index and page not in listed]
    sys.exit("\n".join(wrong) or 0)


main(sys.argv[1])
