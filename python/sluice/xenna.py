"""Runs stages written for Cosmos-Xenna: setup(worker_metadata), process_data(list) -> list | None,
destroy()."""

from __future__ import annotations

import pickle
import socket
from dataclasses import dataclass, field
from typing import Any, Callable, List, Optional

from .record import Record
from .stage import Context, Stage

TASK_FIELD = "task"


@dataclass(frozen=True)
class Allocation:
    node: str
    cpus: float = 1.0
    gpus: List[Any] = field(default_factory=list)


@dataclass(frozen=True)
class WorkerMetadata:
    worker_id: str
    allocation: Allocation


@dataclass(frozen=True)
class NodeInfo:
    node_id: str


class XennaStage(Stage):
    """Hands a batch's tasks to process_data, and makes records of what it returns.

    A task is what was pickled into the record's field `task`, or the record itself if it has none.
    A result that is a Record stays one; anything else is pickled into `task`.
    """

    def __init__(self, stage: Any):
        self._stage = stage

    def setup_on_node(self, context: Context) -> None:
        if hasattr(self._stage, "setup_on_node"):
            node = context.node or socket.gethostname()
            self._stage.setup_on_node(NodeInfo(node), metadata_of(context))

    def setup(self, context: Context) -> None:
        if hasattr(self._stage, "setup"):
            self._stage.setup(metadata_of(context))

    def teardown(self) -> None:
        if hasattr(self._stage, "destroy"):
            self._stage.destroy()

    def process(self, batch: List[Record]) -> List[Any]:
        results = self._stage.process_data([task_of(record) for record in batch])
        if results is not None and not isinstance(results, (list, tuple)):
            raise TypeError(f"process_data returned a {type(results).__name__}, not a list or None")
        if not results:
            return [None] * len(batch)
        if len(batch) == 1:
            return [split(batch[0], results)]
        if len(results) != len(batch):
            raise ValueError(
                f"process_data returned {len(results)} results for {len(batch)} tasks, so it can't "
                "be said which came of which; with batch_size = 1 it may return any number")
        return [None if result is None else record_of(record, result, record.key)
                for record, result in zip(batch, results)]


def adapt(stage: Any, *args: Any, **kwargs: Any) -> Callable[[], Stage]:
    """For run(): a Cosmos-Xenna stage, or its class with the arguments that make one."""
    return lambda: XennaStage(stage(*args, **kwargs) if isinstance(stage, type) else stage)


def metadata_of(context: Context) -> WorkerMetadata:
    name = f"{context.stage}-w{context.worker}"
    return WorkerMetadata(name, Allocation(context.node or socket.gethostname()))


def task_of(record: Record) -> Any:
    return pickle.loads(record[TASK_FIELD]) if TASK_FIELD in record else record


def record_of(origin: Record, result: Any, key: str) -> Record:
    if isinstance(result, Record):
        return result
    record = origin.copy(key)
    record[TASK_FIELD] = pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)
    return record


def split(origin: Record, results: Any) -> Optional[List[Record]]:
    """Several results of one task get the keys KEY/0, KEY/1, …"""
    kept = [result for result in results if result is not None]
    many = len(kept) > 1
    return [record_of(origin, result, f"{origin.key}/{i}" if many else origin.key)
            for i, result in enumerate(kept)]
