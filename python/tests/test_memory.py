"""Who holds what: kept views, arrays in the output memory, growth, and no room."""

import os
import random
import socket
import struct
import sys
import unittest

import numpy as np

from fake_rank import PACKAGE, RELEASE, RESULT, Rank, decoded

sys.path.insert(0, PACKAGE)
from sluice.memory import OutputMemory, address_of  # noqa: E402

KEEP = """
import gc, sys, threading
import numpy as np
from sluice import Record, Stage, run
class Keep(Stage):
    kept = {}
    def process(self, batch):
        what = batch[0]["what"]
        if what == "keep":
            self.kept[batch[0].key] = [record["x"][2:] for record in batch]
        elif what == "keep records":
            self.kept[batch[0].key] = batch[0]
        elif what == "cycle":
            cycle = [batch]
            cycle.append(cycle)
        elif what == "look":
            return [Record("seen", {"x": bytes(view)}) for view in self.kept[batch[0].key]]
        elif what == "hand on later":
            return [Record("later", {"x": view}) for view in self.kept[batch[0].key]]
        elif what == "record later":
            return [self.kept.pop(batch[0].key)]
        elif what == "drop":
            del self.kept[batch[0].key]
        elif what == "drop in thread":
            threading.Timer(0.2, self.kept.clear).start()
        return batch
run(Keep)
"""

EMPTY = """
import numpy as np
import sluice
class Empty(sluice.Stage):
    def process(self, batch):
        out = []
        for record in batch:
            array = sluice.empty((record["n"],), np.float32)
            assert array.ctypes.data % 64 == 0
            array[:] = record["n"]
            out.append(sluice.Record(record.key, {"x": array, "half": array[len(array) // 2:]}))
        return out
sluice.run(Empty)
"""


class KeptViews(unittest.TestCase):
    def ask(self, rank, key, what, x=b"0123456789"):
        return rank.ask([(key, {"what": what, "x": x})])

    def test_a_kept_view_holds_its_batch_until_it_goes(self):
        with Rank(KEEP).start() as rank:
            self.assertEqual(self.ask(rank, "a", "keep")[1], 0)
            self.assertEqual(self.ask(rank, "b", "nothing")[1], 1)
            records, released = self.ask(rank, "a", "look")
            self.assertEqual(records[0][2]["x"], (b"23456789", 0))
            self.assertEqual(released, 1)
            self.assertEqual(self.ask(rank, "a", "drop")[1], 1)
            self.assertEqual(rank.frame(RELEASE), (1, b""))
            self.assertEqual(rank.finish(), 0)

    def test_it_stays_valid_while_the_input_memory_grows(self):
        with Rank(KEEP).start() as rank:
            self.ask(rank, "a", "keep")
            before = os.fstat(rank.input).st_size
            self.ask(rank, "b", "nothing", x=bytes(10 * before))
            self.assertGreater(os.fstat(rank.input).st_size, before)
            self.assertEqual(self.ask(rank, "a", "look")[0][0][2]["x"][0], b"23456789")

    def test_a_kept_record_is_copied_into_a_later_result(self):
        with Rank(KEEP).start() as rank:
            self.assertEqual(self.ask(rank, "a", "keep records")[1], 0)
            records, _ = self.ask(rank, "a", "record later", x=b"other")
            self.assertEqual(records[0][2], {"what": ("keep records", 0), "x": (b"0123456789", 0)})
            self.assertEqual(rank.frame(RELEASE)[0], 1)

    def test_a_view_of_another_batch_is_copied(self):
        with Rank(KEEP).start() as rank:
            self.ask(rank, "a", "keep", x=bytes(range(200)))
            records, _ = self.ask(rank, "a", "hand on later")
            self.assertEqual(records[0][2]["x"], (bytes(range(2, 200)), 0))

    def test_let_go_of_in_a_thread_while_the_rank_is_waited_for(self):
        with Rank(KEEP).start() as rank:
            self.ask(rank, "a", "keep")
            self.ask(rank, "b", "drop in thread")
            self.assertEqual(rank.frame(RELEASE)[0], 1)
            self.assertEqual(rank.finish(), 0)

    def test_a_cycle_is_collected_when_it_is_quiet(self):
        with Rank(KEEP).start() as rank:
            self.assertEqual(self.ask(rank, "a", "cycle")[1], 0)
            self.assertEqual(rank.frame(RELEASE)[0], 1)


class Output(unittest.TestCase):
    def test_empty_lies_in_the_result_already(self):
        with Rank(EMPTY).start() as rank:
            for _ in range(50):
                answer, _ = rank.ask([(str(n), {"n": n}) for n in (1, 0, 1000, 64)])
                for _, key, fields in answer:
                    self.assertEqual(fields["x"][0].tolist(), [int(key)] * int(key))
            self.assertLess(os.fstat(rank.output).st_size, 1 << 21)
            self.assertEqual(rank.finish(), 0)

    def test_random_sizes_released_in_any_order(self):
        rng = random.Random(3)
        with Rank(EMPTY, output_limit=1 << 22).start() as rank:
            held = []
            for _ in range(200):
                n = rng.randrange(20000)
                batch = rank.give([("a", {"n": n})], at=0)
                _, body = rank.frame(RESULT)
                held.append((batch, n, struct.unpack("<QQI", body)))
                if len(held) > 12:
                    self.check_and_release(rank, held.pop(rng.randrange(len(held))))
            for result in held:
                self.check_and_release(rank, result)
            self.assertEqual(rank.finish(), 0)
            self.assertLessEqual(os.fstat(rank.output).st_size, 1 << 22)

    def check_and_release(self, rank, result):
        batch, n, (offset, length, _) = result
        fields = decoded(rank, batch, offset, length)[0][2]
        self.assertEqual(fields["x"][0].tolist(), [n] * n)
        rank.send(RELEASE, batch)

    def test_grows_up_to_its_limit_and_then_waits_for_the_rank(self):
        with Rank(EMPTY, output_limit=1 << 20).start() as rank:
            first = rank.give([("a", {"n": 200000})], at=0)
            rank.result(first)
            second = rank.give([("b", {"n": 200000})], at=0)
            rank.socket.settimeout(0.3)
            with self.assertRaises(socket.timeout):
                rank.frame(RESULT)
            rank.socket.settimeout(20)
            rank.send(RELEASE, first)
            self.assertEqual(rank.result(second)[0][0][1], "b")

    def test_more_than_its_limit_is_an_error(self):
        with Rank(EMPTY, output_limit=1 << 20).start() as rank:
            batch = rank.give([("a", {"n": 1 << 20})])
            self.assertRegex(rank.failed(batch)["error"],
                             r"OutputMemoryError: no room .* shape \(1048576,\), float32: 4194304 "
                             r"bytes; it may hold 1048576, of which \d+ are taken")
            self.assertEqual(rank.ask([("a", {"n": 1})])[0][0][1], "a")
        script = EMPTY.replace("sluice.empty", "np.empty").replace("assert", "#")
        with Rank(script, output_limit=1 << 20).start() as rank:
            batch = rank.give([("a", {"n": 3}), ("b", {"n": 1 << 20})])
            self.assertIn("record 'b', field 'x' (4194304 bytes)", rank.failed(batch)["error"])

    def test_an_array_that_is_written_may_be_given_twice(self):
        script = """
import numpy as np, sluice
class Twice(sluice.Stage):
    def setup(self, context):
        self.array = sluice.empty((8,), np.int64)
        self.array[:] = 7
    def process(self, batch):
        for record in batch: record["x"] = self.array
        return batch
sluice.run(Twice)
"""
        with Rank(script).start() as rank:
            for _ in range(5):
                answer, _ = rank.ask([("a", {}), ("b", {})])
                self.assertEqual(answer[1][2]["x"][0].tolist(), [7] * 8)


    def test_an_array_that_is_gone_is_not_taken_for_what_comes_to_its_place(self):
        file = os.memfd_create("output")
        memory = OutputMemory(file, 1 << 20)
        array = memory.array((1000,), np.dtype("u1"))
        address = address_of(array)
        self.assertEqual(memory.find(address + 10, 20)[1], 10)
        del array
        self.assertIsNone(memory.find(address + 10, 20))
        os.close(file)


class HandedOn(unittest.TestCase):
    def test_views_of_the_batch_cost_no_copy(self):
        script = """
import numpy as np
from sluice import Record, Stage, run
class Views(Stage):
    def process(self, batch):
        record = batch[0]
        image = np.frombuffer(record["bytes"], np.uint8)
        rows = record["rows"]
        return [Record("out", {"same": record["bytes"], "image": image, "rows": rows[2:4],
                               "column": rows[:, 1], "shifted": record["bytes"][1:]})]
run(Views)
"""
        rows = np.arange(64, dtype="<f4").reshape(4, 16)
        with Rank(script).start() as rank:
            fields = rank.ask([("a", {"bytes": bytes(range(100)), "rows": rows})])[0][0][2]
            self.assertEqual({name: memory for name, (_, memory) in fields.items()},
                             {"same": 1, "image": 1, "rows": 1, "column": 0, "shifted": 0})
            self.assertEqual(fields["rows"][0].tolist(), rows[2:4].tolist())
            self.assertEqual(fields["column"][0].tolist(), rows[:, 1].tolist())
            self.assertEqual(fields["image"][0].tobytes(), bytes(range(100)))

    def test_batches_sent_ahead_are_answered_in_order(self):
        with Rank(EMPTY, setup={"depth": 3}).start() as rank:
            batches = [rank.give([(str(n), {"n": n})]) for n in range(3)]
            for n, batch in enumerate(batches):
                self.assertEqual(rank.result(batch)[0][0][1], str(n))


if __name__ == "__main__":
    unittest.main()
