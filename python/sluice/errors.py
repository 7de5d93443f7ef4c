"""What goes wrong, by name."""


class RecordError(Exception):
    """Raised by a stage: the record with this index in the batch is the one at fault.

    sluice then need not search the batch for it.
    """

    def __init__(self, index: int, message: str):
        super().__init__(message)
        self.index = index


class FieldError(KeyError):
    """A record has no field of this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class OutputMemoryError(MemoryError):
    """What a stage made is more than the output memory may hold."""


class ProtocolError(Exception):
    """The rank sent what this version cannot make sense of; the process ends."""
