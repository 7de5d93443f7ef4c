"""The chain in Ray Data: map_batches of callable classes, as its documentation recommends for
stages with a set-up, each on a fixed pool of actors.

Ray Data hands blocks of rows from stage to stage; batch_size says only how many rows a call gets.
How many blocks there are is left to it, but for --hops: there each record is a block, or there
would be no hop of a record. The items are a column of bytes, which is an Arrow array."""

import ray
import ray.data

import chain


class Stage:
    def __init__(self, link):
        self.link = link
        self.link.set_up()

    def __call__(self, batch):
        if self.link.stage == 0:
            items = [self.link(int(number)) for number in batch["item"]]
        else:
            items = [self.link(item) for item in zip(batch["item"], batch["stamp"], batch["bytes"])]
        if self.link.is_last:
            return {"item": items}
        numbers, stamps, payloads = zip(*items)
        return {"item": list(numbers), "stamp": list(stamps), "bytes": list(payloads)}


def main():
    option = chain.options(__doc__)
    work = chain.Chain(option)
    ray.init(logging_level="warning", log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    data = ray.data.from_items([{"item": i} for i in range(option.records)],
                               override_num_blocks=option.records if option.hops else None)
    for link in work.links:
        data = data.map_batches(Stage, fn_constructor_args=[link], batch_size=option.batch,
                                compute=ray.data.ActorPoolStrategy(size=option.workers),
                                num_cpus=0.1, zero_copy_batch=True)
    for _ in data.iter_batches(batch_size=None):
        pass
    work.report("Ray Data")


if __name__ == "__main__":
    main()
