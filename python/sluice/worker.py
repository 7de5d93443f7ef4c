"""The loop that serves a rank: frames in, the stage's verbs, frames out."""

from __future__ import annotations

import asyncio
import gc
import json
import operator
import os
import sys
import threading
import traceback
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from . import process
from .concurrent import Concurrent, is_concurrent, verbs_of_setup, verbs_of_teardown
from .errors import ProtocolError, RecordError
from .memory import InputMemory, OutputMemory, Watch, use_output
from .record import Record
from .stage import Stage
from .table import Given, TableWriter, flattened
from .wire import (BATCH, DONE, FAILED, HELLO, PLACE, READY, RELEASE, RESULT, RESULT_KIND, SETUP,
                   TEARDOWN, Frame, Gone, Wire)

PROTOCOL = 1
# How long a result may wait for room that the rank has not let go of.
ROOM_SECONDS = 600.0
# Cycles of objects keep batches until they are collected; so that is done once it is quiet.
QUIET_SECONDS = 0.05


class Worker:
    """Serves one rank. All of it runs in the thread that calls it, but for `_let_go`."""

    def __init__(self, environment: Dict[str, str]):
        self.wire = Wire(int(environment["SLUICE_SOCKET"]))
        self._input_descriptor = int(environment["SLUICE_INPUT_MEMORY"])
        self._output_descriptor = int(environment["SLUICE_OUTPUT_MEMORY"])
        for descriptor in (self._input_descriptor, self._output_descriptor):
            os.set_inheritable(descriptor, False)
        self._input = InputMemory(self._input_descriptor)
        self.output: Optional[OutputMemory] = None
        # Read while something else was waited for, and whom to tell of them.
        self.frames: Deque[Frame] = deque()
        self.frames_kept: Callable[[], None] = lambda: None
        # The batches that the stage still has views of after they were answered.
        self.kept: Dict[int, Watch] = {}
        self._freed: Deque[Watch] = deque()
        self._ending = False
        self._thread = threading.get_ident()

    def serve(self, make: Callable[[], Any]) -> int:
        """Returns the exit code."""
        process.guard_group(self.wire.descriptor)
        process.leave_with(self.wire.until_gone, lambda: self._ending)
        self.wire.send_json(HELLO, 0, {"protocol": PROTOCOL, "name": "sluice-python 0.1.0"})
        frame = self._next()
        if frame.kind != SETUP:
            raise ProtocolError(f"a frame of kind {frame.kind} instead of setup")
        setup = json.loads(frame.body)
        stage = self._made(make, setup)
        if stage is None:
            return self._end(1)
        if is_concurrent(stage):
            return self._end(asyncio.run(Concurrent(self, stage).serve(setup)))
        return self._end(self._serve(stage, setup))

    def _serve(self, stage: Stage, setup: Dict[str, Any]) -> int:
        """One batch after the other."""
        if not self._called(*verbs_of_setup(stage, setup)):
            return 1
        self.wire.send(READY)
        frame = self._next()
        while frame.kind == BATCH:
            self._answer(stage, frame)
            frame = self._next(spin=True)
        if frame.kind != TEARDOWN:
            raise ProtocolError(f"a frame of unknown kind {frame.kind}")
        if not self._called(*verbs_of_teardown(stage, setup)):
            return 1
        self.wire.send(DONE)
        return 0

    def _end(self, code: int) -> int:
        self._ending = True
        return code

    def _made(self, make: Callable[[], Any], setup: Dict[str, Any]) -> Optional[Stage]:
        self.output = OutputMemory(self._output_descriptor, setup["output_limit"])
        self.output.wait_for_release = self._wait_for_release
        use_output(self.output)
        try:
            return made(make())
        except BaseException as error:
            self.fail(0, error)
            return None

    def _called(self, *verbs: Callable[[], None]) -> bool:
        try:
            for verb in verbs:
                verb()
            return True
        except BaseException as error:
            self.fail(0, error)
            return False

    def _answer(self, stage: Stage, frame: Frame) -> None:
        given = self.given(frame)
        try:
            records = given.records(*PLACE.unpack(frame.body))
            # The stage may do to its list what it likes.
            place = self.written(frame, given, records, stage.process(list(records)))
        except ProtocolError:
            raise
        except BaseException as error:
            self.fail(frame.batch, error)
            return
        del given, records
        self.answer(frame, place)

    def given(self, frame: Frame) -> Given:
        """What came with a batch. Whoever has something of it is noticed."""
        owner = self._input.owner()
        self.kept[frame.batch] = Watch(owner, self._let_go, frame.batch)
        return Given(owner)

    def written(self, frame: Frame, given: Given, records: List[Record], answer: Any) -> tuple:
        """The place in the output memory of what `process` returned."""
        writer = TableWriter(given, self.output)
        for source, record in flattened(answer, records):
            writer.add(source, record)
        start, size, blocks = writer.write()
        self.output.hold(frame.batch, blocks)
        self.output.drop(blocks[0])
        return start, size

    def answer(self, frame: Frame, place: tuple) -> None:
        """Once nobody but the stage has anything of the batch."""
        released = self.kept[frame.batch]() is None
        if released:
            del self.kept[frame.batch]
        self.wire.send(RESULT_KIND, frame.batch, RESULT.pack(*place, released))

    def fail(self, batch: int, error: BaseException, shared: bool = False) -> None:
        self.kept.pop(batch, None)  # what failed is let go of, whoever has views of it
        content: Dict[str, Any] = {"error": described(error), "details": traced(error)}
        if isinstance(error, RecordError) and (index := index_of(error)) is not None:
            content["record"] = index
        # What the frames in the traceback refer to is to go with it. If other batches may have met
        # with the same exception, clearing their frames would end them.
        if shared:
            error.__traceback__ = None
        else:
            traceback.clear_frames(error.__traceback__)
        self.wire.send_json(FAILED, batch, content)

    def _next(self, spin: bool = False) -> Frame:
        """The next frame but `release`; lets go of what has become free meanwhile."""
        quiet: Optional[float] = QUIET_SECONDS
        while True:
            self.send_releases()
            frame = self.frames.popleft() if self.frames else self.wire.next(spin)
            if frame is None:
                if not self.wire.wait(quiet if self.kept else None, self._has_freed):
                    gc.collect()
                    quiet = None
            elif frame.kind == RELEASE:
                self.output.release(frame.batch)
            else:
                return frame

    def _wait_for_release(self) -> bool:
        """Handles frames until the rank has let go of a result; keeps other frames for later."""
        if threading.get_ident() != self._thread:
            return False
        while True:
            frame = self.wire.next()
            if frame is None:
                if not self.wire.wait(ROOM_SECONDS, lambda: False):
                    return False
            elif frame.kind == RELEASE:
                self.output.release(frame.batch)
                return True
            else:
                self.frames.append(frame)
                self.frames_kept()

    def _has_freed(self) -> bool:
        return bool(self._freed)

    def _let_go(self, watch: Watch) -> None:
        # In any thread, at any moment: so this only notes it.
        self._freed.append(watch)
        self.wire.wake()

    def send_releases(self) -> None:
        while self._freed:
            watch = self._freed.popleft()
            if self.kept.get(watch.what) is watch:
                del self.kept[watch.what]
                self.wire.send(RELEASE, watch.what)


def made(stage: Any) -> Stage:
    """The stage itself, of a class or a function that makes one too."""
    made_stage = stage() if callable(stage) and not isinstance(stage, Stage) else stage
    if not isinstance(made_stage, Stage):
        raise TypeError(f"run() wants a sluice.Stage, not a {type(made_stage).__name__}")
    return made_stage


def described(error: BaseException) -> str:
    text = str(error)
    return text if isinstance(error, RecordError) else \
        f"{type(error).__name__}: {text}" if text else type(error).__name__


def index_of(error: RecordError) -> Optional[int]:
    """Of the record at fault, whatever kind of integer it is; None if it can be none."""
    try:
        index = operator.index(error.index)
    except TypeError:
        return None
    return index if index >= 0 else None


def traced(error: BaseException) -> str:
    """The traceback, from the stage's code on."""
    ours = os.path.dirname(os.path.abspath(__file__))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and \
            os.path.dirname(trace.tb_frame.f_code.co_filename) == ours:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def run(stage: Any = None, *, load: Optional[Callable[[], Any]] = None) -> None:
    """Serves the rank that started this process: with a Stage class, a function that makes one, or
    an object. The last thing that a stage's script does; it returns when no more batches come."""
    version = os.environ.get("SLUICE_PROTOCOL")
    if "SLUICE_SOCKET" not in os.environ or version is None:
        sys.exit("sluice: this is a stage of a job; a job file names it as command, and is run "
                 "with 'sluice run JOB.toml'")
    if version != str(PROTOCOL):
        sys.exit(f"sluice: sluice speaks version {version} of the protocol with its stages, and "
                 f"this Python package version {PROTOCOL}; install the package that belongs to it")
    # Taken out, so that what the stage starts is no stage too.
    environment: Dict[str, str] = {
        name: os.environ.pop(name) for name in ("SLUICE_PROTOCOL", "SLUICE_SOCKET",
                                                "SLUICE_INPUT_MEMORY", "SLUICE_OUTPUT_MEMORY")}
    process.prepare()
    try:
        code = Worker(environment).serve(load if load is not None else lambda: stage)
    except Gone:
        process.leave()
    except ProtocolError as error:
        sys.stderr.write(f"sluice: the rank sent {error}\n")
        sys.stderr.flush()
        os._exit(1)
    if code != 0:
        sys.exit(code)


__all__: List[str] = ["run"]
