import json
import unittest

from fake_rank import Rank

HEAD = """
import asyncio
from sluice import RecordError, Stage, run

"""

# A batch with "waits" ends when one with "frees" has come.
WAITS = HEAD + """
class Waits(Stage):
    async def setup(self, context):
        self.depth = context.depth
        self.freed = asyncio.Event()
        self.inside = self.most = 0

    async def process(self, batch):
        self.inside += 1
        self.most = max(self.most, self.inside)
        key = batch[0].key
        if key == "fails":
            raise RecordError(0, "bad record")
        if key == "frees":
            self.freed.set()
        if key == "waits":
            await self.freed.wait()
        self.inside -= 1
        batch[0]["most"] = self.most
        batch[0]["depth"] = self.depth
        return batch

    async def teardown(self):
        await asyncio.sleep(0)
        print("torn down", flush=True)

run(Waits)
"""


def batch(key, **fields):
    return [(key, {"x": 1, **fields})]


class SideBySide(unittest.TestCase):
    def test_answers_come_in_the_order_in_which_batches_end(self):
        with Rank(WAITS, setup={"depth": 3}).start() as rank:
            waits = [rank.give(batch("waits")) for _ in range(2)]
            frees = rank.give(batch("frees"))
            records, _ = rank.result(frees)
            self.assertEqual(records[0][2]["depth"][0], 3)
            for each in waits:
                records, released = rank.result(each)
                self.assertTrue(released)
            self.assertEqual(records[0][2]["most"][0], 3)
            for each in (*waits, frees):
                rank.send(7, each)
            self.assertEqual(rank.finish(), 0)
            self.assertIn("torn down", rank.logged())

    def test_one_that_fails_leaves_the_others_as_they_are(self):
        with Rank(WAITS, setup={"depth": 2}).start() as rank:
            waits = rank.give(batch("waits"))
            failed = rank.failed(rank.give(batch("fails")))
            self.assertEqual((failed["error"], failed["record"]), ("bad record", 0))
            self.assertIn("RecordError", failed["details"])
            frees = rank.give(batch("frees"))
            rank.result(frees)
            rank.result(waits)
            self.assertEqual(rank.finish(), 0)

    def test_batches_that_meet_with_the_same_exception(self):
        # One has seen it and goes on; that another fails by it must not end the first.
        script = HEAD + """
class Shares(Stage):
    def setup(self, context):
        self.error = ValueError("the engine is gone")
        self.freed = asyncio.Event()

    async def process(self, batch):
        key = batch[0].key
        if key == "frees":
            self.freed.set()
        if key == "fails":
            raise self.error
        if key == "bears":
            try:
                raise self.error
            except ValueError:
                pass
            await self.freed.wait()
        return batch

run(Shares)
"""
        with Rank(script, setup={"depth": 4}).start() as rank:
            bears = [rank.give(batch("bears")) for _ in range(2)]
            for _ in range(2):
                failed = rank.failed(rank.give(batch("fails")))
                self.assertEqual(failed["error"], "ValueError: the engine is gone")
            rank.result(rank.give(batch("frees")))
            for each in bears:
                self.assertEqual(rank.result(each)[0][0][1], "bears")
            self.assertEqual(rank.finish(), 0)

    def test_one_at_a_time_works_too(self):
        with Rank(WAITS).start() as rank:
            for _ in range(3):
                self.assertTrue(rank.ask(batch("frees"))[1])
            self.assertEqual(rank.finish(), 0)

    def test_values_are_written_side_by_side(self):
        script = HEAD + """
import numpy as np
import sluice

class Fills(Stage):
    async def process(self, batch):
        array = sluice.empty(1000, np.int64)
        await asyncio.sleep(0)
        array[:] = batch[0]["x"]
        batch[0]["y"] = array
        return batch

run(Fills)
"""
        with Rank(script, setup={"depth": 8}).start() as rank:
            for _ in range(3):
                given = {rank.give([("a", {"x": x})]): x for x in range(8)}
                for number, x in given.items():
                    records, _ = rank.result(number)
                    self.assertEqual(records[0][2]["y"][0].tolist(), [x] * 1000)
                for number in given:
                    rank.send(7, number)
            self.assertEqual(rank.finish(), 0)


class WhatGoesWrong(unittest.TestCase):
    def test_setup(self):
        script = HEAD + """
class Stuck(Stage):
    async def setup(self, context):
        raise ValueError("no such model")

    async def process(self, batch):
        return batch

run(Stuck)
"""
        with Rank(script) as rank:
            rank.frame(1)
            rank.send(2, 0, json.dumps(rank.setup).encode())
            self.assertEqual(rank.failed(0)["error"], "ValueError: no such model")
            self.assertEqual(rank.process.wait(20), 1)

    def test_it_ends_with_its_rank_in_the_midst_of_batches(self):
        with Rank(WAITS, setup={"depth": 2}, own_group=True).start() as rank:
            rank.give(batch("waits"))
            rank.give(batch("waits"))
            rank.socket.close()
            self.assertNotEqual(rank.process.wait(20), 0)

    def test_a_view_that_is_kept_is_let_go_of_later(self):
        script = HEAD + """
class Keeps(Stage):
    async def process(self, batch):
        kept = getattr(self, "kept", None)
        self.kept = batch[0]["bytes"] if batch[0].key == "keep" else None
        return [None]

run(Keeps)
"""
        with Rank(script, setup={"depth": 2}).start() as rank:
            first = rank.give([("keep", {"bytes": b"x" * 100})])
            self.assertFalse(rank.result(first)[1])
            second = rank.give([("drop", {"bytes": b"y" * 100})])
            frames = {rank.frame_of_any() for _ in range(2)}
            self.assertEqual(frames, {(5, second), (7, first)})
            self.assertEqual(rank.finish(), 0)


if __name__ == "__main__":
    unittest.main()
