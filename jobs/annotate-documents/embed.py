"""The stage `embed`: a vector for each page's text, made by a sentence model."""

from sluice import Stage, run


class Embed(Stage):
    def setup(self, context):
        from minilm import MiniLM

        self._model = MiniLM()

    def process(self, batch):
        vectors = self._model.embed([record["text"] for record in batch])
        for record, vector in zip(batch, vectors):
            record["embedding"] = vector
        return batch


run(Embed)
