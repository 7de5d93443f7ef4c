"""A rank for tests: starts a stage's process, and checks whatever that sends. Its tables are made
and read by code of its own, straight from docs/process-protocol.md."""

import contextlib
import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import tempfile

import numpy as np

HELLO, SETUP, READY, BATCH, RESULT, FAILED, RELEASE, TEARDOWN, DONE = range(1, 10)
NAMES = ["", "hello", "setup", "ready", "batch", "result", "failed", "release", "teardown", "done"]
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT = 20


def aligned(size, step=64):
    return -(-size // step) * step


def bytes_of(value):
    """(type, dtype, shape, bytes or None, a) of a value."""
    if isinstance(value, str):
        return 1, 0, (), value.encode(), 0
    if isinstance(value, int):
        return 2, 0, (), None, value & (2 ** 64 - 1)
    if isinstance(value, float):
        return 3, 0, (), None, struct.unpack("<Q", struct.pack("<d", value))[0]
    if isinstance(value, np.ndarray):
        return 4, DTYPES.index(value.dtype.str[1:]), value.shape, value.tobytes(), 0
    return 0, 0, (), bytes(value), 0


def encoded(records, base):
    """The table of [(key, {name: value})] with its values after it, for the offset `base`; the
    size of the table; and [(offset, length)] of the values."""
    entries, fields, shapes, text = [], [], [], b""
    for i, (key, values) in enumerate(records):
        key = key.encode()
        entries.append(struct.pack("<IIII", i, len(values), len(key), 0))
        text += key
        for name, value in values.items():
            fields.append((name.encode(), *bytes_of(value)))
            text += fields[-1][0]
            shapes += fields[-1][3]
    size = 32 + 16 * len(entries) + 24 * len(fields) + 8 * len(shapes) + aligned(len(text), 8)
    at, places, packed, payload = aligned(size), [], b"", b""
    for name, kind, dtype, shape, data, a in fields:
        length = 0
        if data is not None:
            a, length = base + at + len(payload), len(data)
            places.append((a, length))
            payload += data.ljust(aligned(length), b"\0")
        packed += struct.pack("<IBBBBQQ", len(name), kind, dtype, len(shape), 0, a, length)
    head = struct.pack("<IIIIQQ", 0x31424C53, len(entries), len(fields), len(shapes), len(text), 0)
    table = head + b"".join(entries) + packed + struct.pack(f"<{len(shapes)}Q", *shapes) + text
    return table.ljust(aligned(size), b"\0") + payload, size, places


class Rank:
    """Speaks with one process. `memory` of each decoded field says where its value lay."""

    def __init__(self, script, setup=None, arguments=None, stdin=subprocess.DEVNULL,
                 output_limit=1 << 26, input_size=1 << 16, own_group=False):
        self._stack = contextlib.ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="sluice-python-")
        self.folder = self._stack.enter_context(folder)
        self.input = os.memfd_create("input")
        self.output = os.memfd_create("output")
        os.ftruncate(self.input, input_size)
        os.ftruncate(self.output, 1 << 12)
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(TIMEOUT)
        self.setup = {"stage": "shout", "worker": 0, "workers": 2, "rank": 3, "node": "n1",
                      "run_dir": self.folder, "settings": {}, "batch_size": 4, "depth": 1,
                      "output_limit": output_limit, "on_node": True, **(setup or {})}
        self.log = os.path.join(self.folder, "log")
        path = os.path.join(self.folder, "stage.py")
        with open(path, "w") as file:
            file.write(script)
        environment = {**os.environ, "PYTHONPATH": PACKAGE, "SLUICE_PROTOCOL": "1",
                       "OPENBLAS_NUM_THREADS": "1",
                       "SLUICE_SOCKET": str(theirs.fileno()),
                       "SLUICE_INPUT_MEMORY": str(self.input),
                       "SLUICE_OUTPUT_MEMORY": str(self.output)}
        environment.pop("PYTHONUNBUFFERED", None)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable] + (arguments or [path]), env=environment, stdin=stdin, stdout=log,
                stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=own_group,
                pass_fds=(theirs.fileno(), self.input, self.output))
        theirs.close()
        self.next_batch = 1
        self.at = 0
        self.sent = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self.input, self.output):
            os.close(descriptor)
        self._stack.close()

    def logged(self):
        with open(self.log) as file:
            return file.read()

    def send(self, kind, batch=0, body=b""):
        self.socket.sendall(struct.pack("<IIQ", kind, len(body), batch) + body)

    def take(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionError:
                piece = b""
            if not piece:
                raise EOFError(f"the process is gone: {self.logged()}")
            data += piece
        return data

    def frame(self, expected):
        kind, size, batch = struct.unpack("<IIQ", self.take(16))
        body = self.take(size)
        if kind != expected:
            raise AssertionError(f"{NAMES[kind]} came, not {NAMES[expected]}: {body!r}")
        return batch, body

    def frame_of_any(self):
        """(kind, batch) of the next frame."""
        kind, size, batch = struct.unpack("<IIQ", self.take(16))
        self.take(size)
        return kind, batch

    def start(self):
        """Up to `ready`."""
        hello = json.loads(self.frame(HELLO)[1])
        assert hello["protocol"] == 1, hello
        self.send(SETUP, 0, json.dumps(self.setup).encode())
        self.frame(READY)
        return self

    def give(self, records, at=None):
        """Sends a batch; returns its number."""
        start = self.at if at is None else at
        data, size, places = encoded(records, start)
        if start + len(data) > os.fstat(self.input).st_size:
            os.ftruncate(self.input, start + len(data))
        os.pwrite(self.input, data, start)
        batch, self.next_batch = self.next_batch, self.next_batch + 1
        self.sent[batch] = (places, len(records))
        self.send(BATCH, batch, struct.pack("<QQ", start, size))
        if at is None:
            self.at = aligned(start + len(data))
        return batch

    def result(self, batch):
        """(records, released) of a result: records are (source, key, {name: (value, memory)})."""
        got, body = self.frame(RESULT)
        assert got == batch, (got, batch)
        offset, length, released = struct.unpack("<QQI", body)
        return decoded(self, batch, offset, length), released

    def failed(self, batch):
        got, body = self.frame(FAILED)
        assert got == batch, (got, batch)
        return json.loads(body)

    def ask(self, records):
        """One batch there and back; the rank lets go of the result."""
        batch = self.give(records)
        answer, released = self.result(batch)
        self.send(RELEASE, batch)
        return answer, released

    def finish(self):
        self.send(TEARDOWN)
        self.frame(DONE)
        return self.process.wait(TIMEOUT)


def decoded(rank, batch, offset, length):
    places, inputs = rank.sent[batch]
    assert offset % 64 == 0, offset
    with mmap.mmap(rank.output, os.fstat(rank.output).st_size, prot=mmap.PROT_READ) as output:
        table = output[offset:offset + length]
        magic, records, fields, dims, text_size, _ = struct.unpack_from("<IIIIQQ", table)
        assert magic == 0x31424C53
        at = [32, 32 + 16 * records, 32 + 16 * records + 24 * fields]
        text = at[2] + 8 * dims
        assert text + aligned(text_size, 8) == length, "the table is as long as its parts"
        assert table[text + text_size:] == bytes(length - text - text_size), "padded with zeros"
        result = []
        for _ in range(records):
            source, count, key_length, _ = struct.unpack_from("<IIII", table, at[0])
            assert source < inputs
            at[0] += 16
            key, text = table[text:text + key_length].decode(), text + key_length
            values = {}
            for _ in range(count):
                name_length, *field = struct.unpack_from("<IBBBBQQ", table, at[1])
                at[1] += 24
                name, text = table[text:text + name_length].decode(), text + name_length
                shape = struct.unpack_from(f"<{field[2]}Q", table, at[2])
                at[2] += 8 * len(shape)
                values[name] = decoded_value(rank, output, places, field, shape), field[3]
            result.append((source, key, values))
        assert at[2] == 32 + 16 * records + 24 * fields + 8 * dims, "all dimensions are a tensor's"
        return result


def decoded_value(rank, output, places, field, shape):
    kind, dtype, _, memory, a, b = field
    if kind in (2, 3):
        return struct.unpack("<q" if kind == 2 else "<d", struct.pack("<Q", a))[0]
    if b == 0:
        data = b""
    elif memory == 1:
        assert any(start <= a and a + b <= start + size for start, size in places), "within a value"
        data = os.pread(rank.input, b, a)
    else:
        assert a % 64 == 0 and a + b <= len(output)
        data = output[a:a + b]
    if kind == 4:
        assert b == np.dtype(DTYPES[dtype]).itemsize * int(np.prod(shape, dtype=object)), (b, shape)
        return np.frombuffer(data, "<" + DTYPES[dtype]).reshape(shape)
    return data.decode() if kind == 1 else data
