"""Which parts of the output memory are free."""

from __future__ import annotations

from bisect import bisect_left
from typing import List, Optional

ALIGNMENT = 64


def rounded_up(size: int, step: int = ALIGNMENT) -> int:
    return (size + step - 1) // step * step


class FreeRanges:
    """Takes the lowest range that fits, so that the same pages, already in the caches, are used
    again; sizes are multiples of 64."""

    def __init__(self) -> None:
        self._starts: List[int] = []
        self._ends: List[int] = []

    def take(self, size: int) -> Optional[int]:
        """The offset of `size` bytes, or None if no range is so large."""
        for i, start in enumerate(self._starts):
            if self._ends[i] - start >= size:
                if self._ends[i] - start == size:
                    del self._starts[i], self._ends[i]
                else:
                    self._starts[i] = start + size
                return start
        return None

    def give(self, start: int, end: int) -> None:
        """Joins the range to those that touch it."""
        if start == end:
            return
        i = bisect_left(self._starts, start)
        if i < len(self._starts) and self._starts[i] == end:
            end = self._ends[i]
            del self._starts[i], self._ends[i]
        if i > 0 and self._ends[i - 1] == start:
            self._ends[i - 1] = end
        else:
            self._starts.insert(i, start)
            self._ends.insert(i, end)

    def free_at_end(self, end: int) -> int:
        """How many bytes just before `end` are free."""
        if not self._ends or self._ends[-1] != end:
            return 0
        return end - self._starts[-1]

    def total(self) -> int:
        return sum(self._ends) - sum(self._starts)
