"""Frames on the socket to the rank."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from .errors import ProtocolError

HEAD = struct.Struct("<IIQ")
PLACE = struct.Struct("<QQ")
RESULT = struct.Struct("<QQI")
HELLO, SETUP, READY, BATCH, RESULT_KIND, FAILED, RELEASE, TEARDOWN, DONE = range(1, 10)
LONGEST_BODY = 16 << 20
LONGEST_TEXT = 1 << 20
# Waiting in the kernel costs some 50 µs; so for as long the next frame is looked for without.
SPIN_SECONDS = 50e-6


class Gone(Exception):
    """The rank is not there any more."""


class Frame(NamedTuple):
    kind: int
    batch: int
    body: bytes


class Wire:
    """One thread uses it. `wake` may be called from any, even within a callback of the garbage
    collector, to end a wait."""

    def __init__(self, descriptor: int):
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._received = bytearray()
        self._wake_reader, self._wake_writer = os.pipe()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._wake_reader, select.POLLIN)
        self._waiting = False
        self._is_watched = False

    @property
    def descriptor(self) -> int:
        return self._socket.fileno()

    def send(self, kind: int, batch: int = 0, body: bytes = b"") -> None:
        try:
            self._socket.sendall(HEAD.pack(kind, len(body), batch) + body)
        except (BrokenPipeError, ConnectionError) as error:
            raise Gone from error

    def send_json(self, kind: int, batch: int, content: Dict[str, Any]) -> None:
        # Half a pair of surrogates is no text that JSON may hold.
        text = {name: value.encode("utf-8", "replace").decode()[-LONGEST_TEXT:]
                if isinstance(value, str) else value for name, value in content.items()}
        self.send(kind, batch, json.dumps(text).encode())

    def next(self, spin: bool = False) -> Optional[Frame]:
        """The next frame, if it is there, or comes while it is spun for."""
        until = time.perf_counter() + SPIN_SECONDS if spin else 0.0
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            if not self._receive() and (not spin or time.perf_counter() > until):
                return None

    def wait(self, seconds: Optional[float], awake: Callable[[], bool]) -> bool:
        """Sleeps until the rank has sent something, or `awake` holds, of which wake tells; False
        if the time is up."""
        self._waiting = True  # first, so that whoever changes `awake` after it was asked does wake
        try:
            if awake():
                return True
            ready = self._poll.poll(None if seconds is None else seconds * 1000)
        finally:
            self._waiting = False
        for descriptor, _ in ready:
            if descriptor == self._wake_reader:
                self.still()
        return bool(ready)

    def wake(self) -> None:
        if self._waiting or self._is_watched:
            try:
                os.write(self._wake_writer, b"!")
            except OSError:
                pass  # it is full: so the wait ends anyway

    def bells(self) -> List[int]:
        """For an event loop: what becomes readable with a frame, or with `wake`. From now on."""
        self._is_watched = True
        return [self._socket.fileno(), self._wake_reader]

    def still(self) -> None:
        """What woke the event loop is being seen to."""
        try:
            os.read(self._wake_reader, 4096)
        except BlockingIOError:
            pass

    def until_gone(self) -> None:
        """Returns when the rank has closed its side. For a thread of its own."""
        poll = select.poll()
        poll.register(self._socket, 0)
        while not poll.poll():
            pass

    def _receive(self) -> bool:
        try:
            data = self._socket.recv(1 << 18, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionError as error:
            raise Gone from error
        if not data:
            raise Gone
        self._received += data
        return True

    def _take(self) -> Optional[Frame]:
        received = self._received
        if len(received) < HEAD.size:
            return None
        kind, size, batch = HEAD.unpack_from(received)
        if size > LONGEST_BODY:
            raise ProtocolError(f"a frame of {size} bytes")
        end = HEAD.size + size
        if len(received) < end:
            return None
        body = bytes(received[HEAD.size:end])
        del received[:end]
        return Frame(kind, batch, body)
