"""Stages of sluice pipelines in Python.

    from sluice import Stage, run

    class Shout(Stage):
        def process(self, batch):
            for record in batch:
                record["text"] = record["text"].upper()
            return batch

    run(Shout)
"""

from .errors import FieldError, OutputMemoryError, RecordError
from .memory import empty
from .record import Record
from .stage import Context, Stage
from .worker import run
from .xenna import adapt

__version__ = "0.1.0"
__all__ = ["Context", "FieldError", "OutputMemoryError", "Record", "RecordError", "Stage", "adapt",
           "empty", "run"]
