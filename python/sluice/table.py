"""A batch's table: how records lie in shared memory (docs/process-protocol.md).

A given field is a tuple as FIELD unpacks it (name length, type, dtype, dimensions, memory, a, b),
and for tensors its shape after that.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from .errors import ProtocolError, RecordError
from .memory import Block, OutputMemory, address_of
from .ranges import rounded_up
from .record import DTYPE_CODES, DTYPES, Record

MAGIC = 0x31424C53
HEAD = struct.Struct("<IIIIQQ")
RECORD = struct.Struct("<IIII")
FIELD = struct.Struct("<IBBBBQQ")
INT_FIELD = struct.Struct("<IBBBBqQ")
DOUBLE_FIELD = struct.Struct("<IBBBBdQ")
BYTES, STRING, INT, DOUBLE, TENSOR = range(5)
_TO_INT = struct.Struct("<q")
_TO_DOUBLE = struct.Struct("<d")
_NUMBER = struct.Struct("<Q")


class Given:
    """A batch in the input memory; the values of its records are views of `view`."""

    __slots__ = ("view", "address", "size", "_places")

    def __init__(self, owner: np.ndarray):
        self.view = memoryview(owner)
        self.address = address_of(owner)
        self.size = owner.size
        # Where its values lie, by their offset: what a stage hands on must lie in one of them.
        self._places: dict = {}

    def records(self, offset: int, length: int) -> List[Record]:
        table = self.view[offset:offset + length]
        if len(table) < HEAD.size:
            raise ProtocolError(f"a table at {offset} of an input memory of {self.size} bytes")
        magic, record_count, field_count, shape_count, text_size, _ = HEAD.unpack_from(table)
        fields_at = HEAD.size + RECORD.size * record_count
        shapes_at = fields_at + FIELD.size * field_count
        text_at = shapes_at + 8 * shape_count
        if magic != MAGIC or text_at + text_size > len(table):
            raise ProtocolError("a table that does not fit its head")
        entries = RECORD.iter_unpack(table[HEAD.size:fields_at])
        fields = FIELD.iter_unpack(table[fields_at:shapes_at])
        shapes = struct.unpack_from(f"<{shape_count}Q", table, shapes_at)
        text = Text(bytes(table[text_at:text_at + text_size]))
        return self._records(entries, fields, iter(shapes), text)

    def _records(self, entries, fields, shapes, text: "Text") -> List[Record]:
        records = []
        take = text.take
        for _, count, key_length, _ in entries:
            record = Record(take(key_length))
            record._given = self
            values = record._fields
            for raw in islice(fields, count):
                name = take(raw[0])
                if raw[3]:
                    raw += (tuple(islice(shapes, raw[3])),)
                values[name] = raw
            records.append(record)
        return records

    def value(self, raw: tuple) -> Any:
        _, kind, dtype, _, memory, a, b = raw[:7]
        if kind == INT:
            return _TO_INT.unpack(_NUMBER.pack(a))[0]
        if kind == DOUBLE:
            return _TO_DOUBLE.unpack(_NUMBER.pack(a))[0]
        if b == 0:
            a = 0
        if memory or a + b > self.size:
            raise ProtocolError("a value that is not in the input memory")
        if kind == STRING:
            return str(self.view[a:a + b], "utf-8")
        self._places[a] = b
        if kind == BYTES:
            return self.view[a:a + b]
        shape = raw[7] if len(raw) > 7 else ()
        return np.ndarray(shape, DTYPES[dtype], self.view, a)

    def place_of(self, address: int, size: int) -> Optional[int]:
        """The offset of these bytes if they begin one of its values, or a part of one that could
        be an array of its own."""
        offset = address - self.address
        if not 0 <= offset < self.size or offset % 64:
            return None
        if self._places.get(offset, -1) >= size:
            return offset
        inside = any(a <= offset and offset + size <= a + b for a, b in self._places.items())
        return offset if inside else None


class Text:
    """Keys and names, taken one after the other; ASCII is decoded once for all."""

    __slots__ = ("take", "_text", "_at")

    def __init__(self, text: bytes):
        self._at = 0
        ascii_only = text.isascii()
        self._text = text.decode("ascii") if ascii_only else text
        self.take = self._take if ascii_only else self._take_encoded

    def _take(self, length: int) -> str:
        start = self._at
        self._at = end = start + length
        return self._text[start:end]

    def _take_encoded(self, length: int) -> str:
        return self._take(length).decode("utf-8")


class TableWriter:
    """Writes a result: numbers its parts, takes one block for its table and all values that must
    be copied, and fills it."""

    def __init__(self, given: Given, output: OutputMemory):
        self._given = given
        self._output = output
        self._records: List[bytes] = []
        self._fields: List[Any] = []
        self._shapes: List[int] = []
        self._text: List[bytes] = []
        self._copies: List[Tuple[int, int, Any, Optional[np.dtype]]] = []
        self._copied_bytes = 0
        self._largest = (0, "its table")
        self._blocks: dict = {}

    def add(self, source: int, record: Record) -> None:
        """RecordError, which names record and field, for what no table can hold."""
        if not isinstance(record.key, str):
            raise RecordError(source, f"a record's key is a str, not {record.key!r}")
        name = None
        try:
            self._add_text(record.key)
            self._records.append(RECORD.pack(source, len(record._fields), len(self._text[-1]), 0))
            for name, value in record._fields.items():
                self._add_field(record, name, value)
        except (TypeError, ValueError, struct.error) as error:
            field = "" if name is None else f", field '{name}'"
            raise RecordError(source, f"record '{record.key}'{field}: {error}") from error

    def _add_text(self, text: str) -> int:
        encoded = text.encode()
        self._text.append(encoded)
        return len(encoded)

    def _add_field(self, record: Record, name: str, value: Any) -> None:
        name_length = self._add_text(name)
        if type(value) is not tuple:
            self._add_value(name_length, value, record, name)
        elif record._given is self._given:
            self._hand_on(name_length, value)
        else:
            self._add_value(name_length, record._given.value(value), record, name)

    def _hand_on(self, name_length: int, raw: tuple) -> None:
        _, kind, dtype, dimensions, _, a, b = raw[:7]
        memory = 0 if kind == INT or kind == DOUBLE else 1
        self._fields.append(FIELD.pack(name_length, kind, dtype, dimensions, memory, a, b))
        if dimensions:
            self._shapes += raw[7]

    def _add_value(self, name_length: int, value: Any, record: Record, name: str) -> None:
        kind = type(value)
        if kind is float:
            self._fields.append(DOUBLE_FIELD.pack(name_length, DOUBLE, 0, 0, 0, value, 0))
        elif kind is int:
            self._fields.append(INT_FIELD.pack(name_length, INT, 0, 0, 0, value, 0))
        elif kind is str:
            self._copy((name_length, STRING, 0, 0, 0), value.encode(), record, name)
        elif isinstance(value, np.ndarray):
            self._add_array(name_length, value, record, name)
        else:
            self._add_bytes(name_length, value, record, name)

    def _add_bytes(self, name_length: int, value: Any, record: Record, name: str) -> None:
        if type(value) is memoryview:
            if not value.c_contiguous:
                value = value.tobytes()
            elif value.nbytes:
                place = self._place_of(np.frombuffer(value, np.uint8))
                if place is not None:
                    self._add_place((name_length, BYTES, 0, 0), place, value.nbytes)
                    return
                value = value.cast("B") if value.format != "B" or value.ndim != 1 else value
            else:
                value = b""
        self._copy((name_length, BYTES, 0, 0, 0), value, record, name)

    def _add_array(self, name_length: int, array: np.ndarray, record: Record, name: str) -> None:
        dtype = array.dtype.newbyteorder("<")
        code = DTYPE_CODES[dtype]
        self._shapes += array.shape
        head = (name_length, TENSOR, code, array.ndim)
        if array.flags.c_contiguous and array.dtype == dtype and array.size:
            place = self._place_of(array)
            if place is not None:
                self._add_place(head, place, array.nbytes)
                return
        self._copy(head + (0,), array, record, name, dtype)

    def _place_of(self, array: np.ndarray) -> Optional[Tuple[int, int]]:
        """(memory, offset) of what already lies in shared memory."""
        address = address_of(array)
        offset = self._given.place_of(address, array.nbytes)
        if offset is not None:
            return 1, offset
        found = self._output.find(address, array.nbytes)
        if found is None or found[1] % 64:
            return None
        self._blocks[found[0]] = True
        return 0, found[1]

    def _add_place(self, head: tuple, place: Tuple[int, int], size: int) -> None:
        self._fields.append(FIELD.pack(*head, place[0], place[1], size))

    def _copy(self, head: tuple, value: Any, record: Record, name: str,
              dtype: Optional[np.dtype] = None) -> None:
        size = len(value) if dtype is None else value.nbytes
        self._copies.append((len(self._fields), self._copied_bytes, value, dtype))
        self._fields.append((head, size))
        self._copied_bytes += rounded_up(size)
        if size > self._largest[0]:
            self._largest = (size, f"record '{record.key}', field '{name}' ({size} bytes)")

    def write(self) -> Tuple[int, int, List[Block]]:
        """The place of the table, and the blocks that the rank is to let go of."""
        text = b"".join(self._text)
        shapes = struct.pack(f"<{len(self._shapes)}Q", *self._shapes)
        table_size = (HEAD.size + RECORD.size * len(self._records) + FIELD.size * len(self._fields)
                      + len(shapes) + rounded_up(len(text), 8))
        block = self._output.allocate(rounded_up(table_size) + self._copied_bytes,
                                      f"a result whose largest part is {self._largest[1]}")
        try:
            self._fill(block, table_size, shapes, text)
        except BaseException:
            self._output.drop(block)
            raise
        return block.start, table_size, [block, *self._blocks]

    def _fill(self, block: Block, table_size: int, shapes: bytes, text: bytes) -> None:
        values_at = rounded_up(table_size)
        for i, offset, value, dtype in self._copies:
            head, size = self._fields[i]
            self._fields[i] = FIELD.pack(*head, block.start + values_at + offset, size)
            if dtype is None:
                self._output.write(block, values_at + offset, value)
            else:
                self._output.write_array(block, values_at + offset, value, dtype)
        head = HEAD.pack(MAGIC, len(self._records), len(self._fields), len(self._shapes),
                         len(text), 0)
        padding = bytes(-len(text) % 8)
        table = b"".join((head, *self._records, *self._fields, shapes, text, padding))
        self._output.write(block, 0, table)


def flattened(answer: Sequence, batch: List[Record]):
    """(source, record) of each record that process returned."""
    if type(answer) is not list and type(answer) is not tuple:
        raise TypeError(f"process returned a {type(answer).__name__}, not a list with an entry for "
                        "each record of the batch")
    if len(answer) != len(batch):
        raise ValueError(f"process returned {len(answer)} entries for {len(batch)} records; give "
                         "an entry for each: a record, None, or a list of records")
    for source, entry in enumerate(answer):
        if isinstance(entry, Record):
            yield source, entry
        elif entry is not None:
            yield from split(source, entry)


def split(source: int, entry: Any):
    if type(entry) is not list and type(entry) is not tuple:
        raise RecordError(source, f"process returned a {type(entry).__name__} for record {source}, "
                                  "not a record, None, or a list of records")
    for record in entry:
        if not isinstance(record, Record):
            raise RecordError(source, f"process returned a list with a {type(record).__name__} for "
                                      f"record {source}, not one of records")
        yield source, record
