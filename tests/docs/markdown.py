"""What Markdown pages hold: their code blocks, and marks that say that one is not run."""

import dataclasses
import re

FENCE = re.compile(r"^```(\S*)[ ]*(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"<!-- not run: (.+?) -->\n\Z")
INDENTED = re.compile(r"\n\n(    \S.*)")


@dataclasses.dataclass
class Block:
    line: int  # of its first line of code
    language: str
    file: str  # that it is to be, or ""
    text: str
    not_run: str  # why, or ""


def blocks(page):
    """Those of the text of a page, in order."""
    found = []
    for match in FENCE.finditer(page):
        before = page[: match.start()]
        mark = MARK.search(before)
        found.append(Block(before.count("\n") + 2, match[1], match[2], match[3],
                           mark[1] if mark else ""))
    return found


def stray_code(page):
    """A line of code that is in no fence, or None; so that none goes untried."""
    found = INDENTED.search(FENCE.sub("", page))
    return found and found[1].strip()


def without_code(page):
    """The page's prose."""
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", page))
