"""A record: a key and named fields, some of which may still lie in shared memory."""

from __future__ import annotations

import operator
from collections.abc import MutableMapping
from typing import Any, Iterator, Mapping, Optional

import numpy as np

from .errors import FieldError

DTYPES = tuple(np.dtype(name) for name in ("<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8",
                                           "<f2", "<f4", "<f8"))
DTYPE_CODES = {dtype: code for code, dtype in enumerate(DTYPES)}
BOOL = np.dtype(bool)
BYTES_LIKE = (bytes, bytearray, memoryview)


class Record(MutableMapping):
    """Fields are bytes, str, int, float or NumPy arrays; a field that was given is read when it is
    asked for, and costs nothing when it is handed on."""

    __slots__ = ("key", "_fields", "_given")

    def __init__(self, key: str, fields: Optional[Mapping[str, Any]] = None):
        self.key = key
        # A given field is a tuple (see table.py) that says where in the batch `_given` it lies;
        # no value that a stage sets is a tuple.
        self._fields: dict = {}
        self._given = None
        if fields:
            for name, value in fields.items():
                self[name] = value

    def __getitem__(self, name: str) -> Any:
        try:
            value = self._fields[name]
        except KeyError:
            raise FieldError(self._missing(name)) from None
        return self._given.value(value) if type(value) is tuple else value

    def __setitem__(self, name: str, value: Any) -> None:
        if type(name) is not str or not name:
            raise TypeError(f"record '{self.key}': a field's name is a str that is not empty, not "
                            f"{name!r}")
        try:
            self._fields[name] = checked(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"record '{self.key}', field '{name}': {error}") from None

    def __delitem__(self, name: str) -> None:
        if name not in self._fields:
            raise FieldError(self._missing(name))
        del self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def copy(self, key: Optional[str] = None) -> "Record":
        """A record with the same fields, and a key of its own if one is given."""
        other = Record(self.key if key is None else key)
        other._fields = dict(self._fields)
        other._given = self._given
        return other

    def __repr__(self) -> str:
        return f"Record({self.key!r}, fields: {', '.join(self._fields) or 'none'})"

    def _missing(self, name: str) -> str:
        names = ", ".join(self._fields) or "none"
        return f"record '{self.key}' has no field '{name}'; its fields: {names}"


def checked(value: Any) -> Any:
    """The value as a field holds it; TypeError or ValueError if none can."""
    kind = type(value)
    if kind is str or kind is bytes or kind is float:
        return value
    if isinstance(value, np.ndarray):
        return checked_array(value)
    if isinstance(value, (bool, int, np.integer, np.bool_)):
        return checked_int(operator.index(int(value)))
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, BYTES_LIKE):
        return value
    raise TypeError(f"cannot hold a {kind.__module__}.{kind.__qualname__}; a field is bytes, str, "
                    "int, float or a NumPy array".replace("builtins.", ""))


def checked_int(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(f"{value} does not fit 64 bits with a sign")
    return value


def checked_array(array: np.ndarray) -> np.ndarray:
    """The array, with booleans as u8."""
    dtype = array.dtype
    if dtype in DTYPE_CODES or dtype.newbyteorder("<") in DTYPE_CODES:
        return array
    if dtype == BOOL:
        return array.view(np.uint8)
    names = ", ".join(known.name for known in DTYPES)
    raise TypeError(f"cannot hold an array of dtype {dtype}; use one of {names}, or bool (it "
                    "becomes uint8)")
