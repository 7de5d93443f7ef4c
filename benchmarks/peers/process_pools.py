"""The chain in Python's multiprocessing: a Pool a stage, imap_unordered from each to the next.

Records go through this process between stages, with threads of the pools. Nothing holds back a fast
stage: what it has made waits in memory. chunksize is --batch."""

import multiprocessing

import chain

_link = None


def set_up(link):
    global _link
    _link = link
    _link.set_up()


def call(item):
    return _link(item)


def main():
    option = chain.options(__doc__)
    work = chain.Chain(option)
    pools = [multiprocessing.Pool(option.workers, set_up, [link]) for link in work.links]
    items = range(option.records)
    for pool in pools:
        items = pool.imap_unordered(call, items, chunksize=option.batch)
    for _ in items:
        pass
    for pool in pools:
        pool.close()
        pool.join()
    work.report("multiprocessing")


if __name__ == "__main__":
    main()
