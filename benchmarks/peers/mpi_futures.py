"""The chain in mpi4py.futures, under mpirun -n RANKS python -m mpi4py.futures: a pool of as many
workers as the chain has in all.

An executor's map takes its whole input before it starts, so stages cannot follow each other while
records flow: each call does all stages of a record, and nothing but a number travels. So a worker
must be able to hold all stages at once, and stages cannot differ in how many workers they have."""

from mpi4py.futures import MPIPoolExecutor

import chain

_links = None


def set_up(links):
    global _links
    _links = links
    for link in _links:
        link.set_up()


def call(number):
    item = number
    for link in _links:
        item = link(item)
    return item


def main():
    option = chain.options(__doc__)
    work = chain.Chain(option)
    with MPIPoolExecutor(initializer=set_up, initargs=[work.links]) as pool:
        for _ in pool.map(call, range(option.records), chunksize=option.batch, unordered=True):
            pass
    work.report("mpi4py.futures, fused")


if __name__ == "__main__":
    main()
