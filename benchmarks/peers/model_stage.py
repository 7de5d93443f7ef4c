"""The same model as a stage of sluice's, in a process of its own."""

from model import Model

from sluice import Stage, run


class ModelStage(Stage):
    def setup(self, context):
        self.model = Model()

    def process(self, batch):
        for record in batch:
            record["scores"] = self.model(record["bytes"])
        return batch


if __name__ == "__main__":
    run(ModelStage)
