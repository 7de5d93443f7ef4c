"""The chain in Cosmos-Xenna: streaming mode, which its README recommends, and its defaults, but for
the number of workers, which is that of all peers. Its workers are Ray actors."""

import os

os.environ.setdefault("RAY_DEDUP_LOGS", "0")

import cosmos_xenna.pipelines.v1 as xenna

import chain


class Stage(xenna.Stage):
    def __init__(self, link, batch):
        self.link = link
        self.batch = batch

    @property
    def stage_batch_size(self):
        return self.batch

    @property
    def required_resources(self):
        return xenna.Resources(cpus=0.1)  # all workers fit on any machine; nothing is held to it

    def setup(self, worker_metadata):
        self.link.set_up()

    def process_data(self, items):
        return [self.link(item) for item in items]


def main():
    option = chain.options(__doc__)
    work = chain.Chain(option)
    stages = [xenna.StageSpec(Stage(link, option.batch), num_workers=option.workers)
              for link in work.links]
    xenna.run_pipeline(xenna.PipelineSpec(input_data=list(range(option.records)), stages=stages))
    work.report("Cosmos-Xenna")


if __name__ == "__main__":
    main()
