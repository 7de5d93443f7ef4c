"""The two memory files: who may read or write what, and until when.

Python says when nothing refers to some memory any more, by the callback of a weak reference, which
may come at any moment and in any thread. So such a callback only notes what is free; the thread
that serves the rank looks at the notes where it suits it.
"""

from __future__ import annotations

import mmap
import os
import threading
import weakref
from bisect import bisect_right, insort
from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Tuple

import numpy as np

from .errors import OutputMemoryError
from .ranges import FreeRanges, rounded_up
from .record import checked_array


def address_of(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


class Watch(weakref.ref):
    """Notes what (`what`) is free once its array is gone."""

    __slots__ = ("what",)

    def __init__(self, array: np.ndarray, callback: Callable, what):
        super().__init__(array, callback)
        self.what = what

    def __new__(cls, array: np.ndarray, callback: Callable, what):
        return super().__new__(cls, array, callback)


class InputMemory:
    """What the rank writes. Mapped anew when it grows; what was mapped stays valid."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._map: Optional[mmap.mmap] = None

    def owner(self) -> np.ndarray:
        """An array over all of it, as long as it is now. Whoever holds it, or a view of it, can be
        told from holders of another."""
        size = os.fstat(self._descriptor).st_size
        if self._map is None or len(self._map) < size:
            self._map = mmap.mmap(self._descriptor, size, prot=mmap.PROT_READ)
        return np.frombuffer(self._map, np.uint8)


class Block:
    """Some bytes of the output memory; `uses` counts the array over it and the results in it."""

    __slots__ = ("start", "end", "address", "uses")

    def __init__(self, start: int, end: int):
        self.start = start
        self.end = end
        self.address = 0
        self.uses = 1


class OutputMemory:
    """What this process writes: tables and values of results, and arrays of `empty`."""

    def __init__(self, descriptor: int, limit: int):
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size // 64 * 64
        self._limit = max(limit // 64 * 64, self._size)
        self._map = mmap.mmap(descriptor, self._size) if self._size else None
        self._free = FreeRanges()
        self._free.give(0, self._size)
        self._watches: Dict[Block, Watch] = {}
        self._gone: Deque[Watch] = deque()
        self._arrays: List[Tuple[int, int, Block]] = []
        self._held: Dict[int, List[Block]] = {}
        self._lock = threading.Lock()
        # Waits until the rank lets go of a result; False if it cannot be waited for.
        self.wait_for_release: Callable[[], bool] = lambda: False

    def array(self, shape, dtype: np.dtype) -> np.ndarray:
        """An array that lies here, until it is gone and no result has it any more."""
        template = np.broadcast_to(np.empty((), dtype), shape)
        block = self.allocate(template.nbytes, f"an array of shape {template.shape}, {dtype}")
        owner = np.frombuffer(self._map, np.uint8, block.end - block.start, block.start)
        block.address = address_of(owner)
        with self._lock:
            self._watches[block] = Watch(owner, self._gone.append, block)
            insort(self._arrays, (block.address, block.start, block))
        return np.ndarray(template.shape, dtype, buffer=memoryview(owner))

    def find(self, address: int, size: int) -> Optional[Tuple[Block, int]]:
        """The block of the array in which these bytes lie, and their offset in the file."""
        with self._lock:
            self._reap()  # what has gone may have left its address to another array
            i = bisect_right(self._arrays, (address, self._limit + 1))
            if i == 0:
                return None
            start, offset, block = self._arrays[i - 1]
        inside = address - start
        return (block, offset + inside) if inside + size <= block.end - block.start else None

    def allocate(self, size: int, what: str) -> Block:
        """Grows the file, or waits for the rank, if there is no room; OutputMemoryError if there
        cannot be."""
        size = max(rounded_up(size), 64)
        while True:
            with self._lock:
                self._reap()
                start = self._take(size)
            if start is not None:
                return Block(start, start + size)
            if size > self._limit or not self._held or not self.wait_for_release():
                raise OutputMemoryError(self._no_room(size, what))

    def write(self, block: Block, offset: int, data) -> None:
        """Copies bytes; `offset` is within the block."""
        start = block.start + offset
        self._map[start:start + len(data)] = data

    def write_array(self, block: Block, offset: int, array: np.ndarray, dtype: np.dtype) -> None:
        there = np.ndarray(array.shape, dtype, self._map, block.start + offset)
        there[...] = array

    def hold(self, batch: int, blocks: List[Block]) -> None:
        """The blocks are the rank's too, until it lets go of the batch."""
        with self._lock:
            for block in blocks:
                block.uses += 1
            self._held[batch] = blocks

    def release(self, batch: int) -> None:
        with self._lock:
            for block in self._held.pop(batch, ()):
                self._drop(block)

    def drop(self, block: Block) -> None:
        with self._lock:
            self._drop(block)

    def _drop(self, block: Block) -> None:
        block.uses -= 1
        if block.uses == 0:
            self._free.give(block.start, block.end)

    def _reap(self) -> None:
        while self._gone:
            block = self._gone.popleft().what
            del self._watches[block]
            self._arrays.remove((block.address, block.start, block))
            self._drop(block)

    def _take(self, size: int) -> Optional[int]:
        start = self._free.take(size)
        if start is None and self._grow(size):
            start = self._free.take(size)
        return start

    def _grow(self, size: int) -> bool:
        needed = self._size - self._free.free_at_end(self._size) + size
        if needed > self._limit:
            return False
        new = min(self._limit, max(needed, 2 * self._size, 1 << 20))
        os.ftruncate(self._descriptor, new)
        self._map = mmap.mmap(self._descriptor, new)
        self._free.give(self._size, new)
        self._size = new
        return True

    def _no_room(self, size: int, what: str) -> str:
        taken = self._size - self._free.total()
        return (f"no room in the output memory for {what}: {size} bytes; it may hold {self._limit}"
                f", of which {taken} are taken")


_output: Optional[OutputMemory] = None


def use_output(output: Optional[OutputMemory]) -> None:
    """From now on `empty` takes from this memory."""
    global _output
    _output = output


def empty(shape, dtype=np.float64) -> np.ndarray:
    """An array like numpy.empty's, in the memory from which the rank takes results: to set it as a
    field costs no copy. Don't write into it after process has returned it."""
    dtype = checked_array(np.empty(0, dtype)).dtype.newbyteorder("<")
    if _output is None:
        return np.empty(shape, dtype)
    return _output.array(shape, dtype)
