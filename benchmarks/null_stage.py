"""A stage that gives back what it is given, for benchmarks/process.cpp."""

from sluice import Stage, run


class Null(Stage):
    def process(self, batch):
        return batch


if __name__ == "__main__":
    run(Null)
