"""Serves a rank with a stage whose `process` is a coroutine function: the batches that it has at
once run side by side in one event loop, and are answered as they end."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Set

from .errors import ProtocolError
from .stage import Stage, context_of
from .wire import BATCH, DONE, PLACE, READY, RELEASE, TEARDOWN, Frame

if TYPE_CHECKING:
    from .worker import Worker

# As for other stages: cycles of objects keep batches until they are collected.
QUIET_SECONDS = 0.05


def is_concurrent(stage: Stage) -> bool:
    return inspect.iscoroutinefunction(stage.process)


def verbs_of_setup(stage: Stage, setup: Dict[str, Any]) -> List[Callable[[], Any]]:
    context = context_of(setup)
    verbs = [lambda: stage.setup_on_node(context)] if setup.get("on_node") else []
    return verbs if setup.get("only_on_node") else verbs + [lambda: stage.setup(context)]


def verbs_of_teardown(stage: Stage, setup: Dict[str, Any]) -> List[Callable[[], Any]]:
    return [] if setup.get("only_on_node") else [stage.teardown]


class Concurrent:
    """All of it runs in the thread of the event loop."""

    def __init__(self, worker: Worker, stage: Stage):
        self._worker = worker
        self._stage = stage
        self._tasks: Set[asyncio.Task] = set()
        self._quiet: Optional[asyncio.TimerHandle] = None

    async def serve(self, setup: Dict[str, Any]) -> int:
        """From setup to teardown; returns the exit code."""
        worker = self._worker
        if not await self._called(verbs_of_setup(self._stage, setup)):
            return 1
        self._loop = asyncio.get_running_loop()
        self._over = self._loop.create_future()
        worker.frames_kept = lambda: self._loop.call_soon(self._look)
        worker.wire.send(READY)
        bells = worker.wire.bells()
        for bell in bells:
            self._loop.add_reader(bell, self._look)
        self._look()
        try:
            await self._over
        finally:
            for bell in bells:
                self._loop.remove_reader(bell)
        if not await self._called(verbs_of_teardown(self._stage, setup)):
            return 1
        worker.wire.send(DONE)
        return 0

    async def _called(self, verbs: List[Callable[[], Any]]) -> bool:
        try:
            for verb in verbs:
                result = verb()
                if inspect.isawaitable(result):
                    await result
            return True
        except BaseException as error:
            self._worker.fail(0, error)
            return False

    def _look(self) -> None:
        """Takes all frames that are there."""
        try:
            self._worker.wire.still()
            self._worker.send_releases()
            while not self._over.done() and (frame := self._next()) is not None:
                self._handle(frame)
        except BaseException as error:
            self._stop(error)
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = None
        if self._worker.kept:
            self._quiet = self._loop.call_later(QUIET_SECONDS, gc.collect)

    def _next(self) -> Optional[Frame]:
        frames = self._worker.frames
        return frames.popleft() if frames else self._worker.wire.next()

    def _handle(self, frame: Frame) -> None:
        if frame.kind == RELEASE:
            self._worker.output.release(frame.batch)
        elif frame.kind == BATCH:
            task = self._loop.create_task(self._answer(frame))
            self._tasks.add(task)
            task.add_done_callback(self._answered)
        elif frame.kind == TEARDOWN:
            self._over.set_result(None)
        else:
            raise ProtocolError(f"a frame of unknown kind {frame.kind}")

    async def _answer(self, frame: Frame) -> None:
        worker = self._worker
        given = worker.given(frame)
        try:
            records = given.records(*PLACE.unpack(frame.body))
            answer = await self._stage.process(list(records))
            place = worker.written(frame, given, records, answer)
        except ProtocolError:
            raise
        except BaseException as error:
            worker.fail(frame.batch, error, shared=True)
            return
        del given, records, answer
        worker.answer(frame, place)

    def _answered(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        error = task.exception()
        if error is not None:
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        if not self._over.done():
            self._over.set_exception(error)
