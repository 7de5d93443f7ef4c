"""What users derive from, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Union

from .record import Record

Entry = Union[Record, None, Sequence[Record]]


@dataclass(frozen=True)
class Context:
    """Where a worker is, and what the job file says about its stage."""

    stage: str = ""
    worker: int = 0
    workers: int = 1
    rank: int = 0
    node: str = ""
    run_dir: str = ""
    gpus: Sequence[str] = ()
    settings: Dict[str, Any] = field(default_factory=dict)
    batch_size: int = 1
    depth: int = 1
    node_dir: str = ""
    group_rank: int = 0
    group_size: int = 1


class Stage:
    """A stage: one object of it lives in each worker's process, and one thread calls it."""

    def setup_on_node(self, context: Context) -> None:
        """Called before setup in one worker of each node: fetch what its workers share."""

    def setup(self, context: Context) -> None:
        """Called once in each worker, and again after a restart: load the model."""

    def process(self, batch: List[Record]) -> Sequence[Entry]:
        """Returns an entry for each record of the batch: a record (the same or a new one), None
        to drop it, or a list of records to split it."""
        raise NotImplementedError(f"{type(self).__name__} has no process(self, batch)")

    def teardown(self) -> None:
        """Called once, when no more batches come."""


def context_of(setup: Dict[str, Any]) -> Context:
    """The Context of a `setup` frame; members of later versions are left out."""
    known: Optional[set] = set(Context.__dataclass_fields__)
    return Context(**{name: value for name, value in setup.items() if name in known})
