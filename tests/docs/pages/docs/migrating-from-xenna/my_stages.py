"""A stage as Cosmos-Xenna has them."""


class CaptionStage:
    def __init__(self, model_name):
        self.model_name = model_name

    def setup(self, worker_metadata):
        self.name = f"{self.model_name} in {worker_metadata.worker_id}"

    def process_data(self, tasks):
        for task in tasks:
            task["caption"] = f"{task.key} by {self.name}"
        return tasks
