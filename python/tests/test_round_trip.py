"""What goes in comes out: values of all types, at random; drops, splits, new records."""

import random
import unittest

import numpy as np

from fake_rank import DTYPES, Rank

ECHO = """
from sluice import Stage, run
class Echo(Stage):
    def process(self, batch):
        return batch
run(Echo)
"""

# Reads every value, and gives the records again with what it read.
REBUILD = """
import numpy as np
from sluice import Record, Stage, run
class Rebuild(Stage):
    def process(self, batch):
        out = []
        for record in batch:
            copy = Record(record.key)
            for name in record:
                value = record[name]
                if isinstance(value, memoryview):
                    assert value.readonly
                    value = bytes(value)
                elif isinstance(value, np.ndarray):
                    assert not value.flags.writeable and value.ctypes.data % 64 == 0
                    value = value.copy()
                copy[name] = value
            out.append(copy)
        return out
run(Rebuild)
"""


def random_text(rng, longest=12):
    letters = "abcxyz/._ éß漢😀" if rng.random() < 0.3 else "abcxyz/._-09"
    return "".join(rng.choice(letters) for _ in range(rng.randrange(longest)))


def random_value(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.choice([0, 1, 63, 64, 65, 5000]))
    if kind == 1:
        return random_text(rng, 300)
    if kind == 2:
        return rng.choice([0, -1, 2 ** 63 - 1, -2 ** 63, rng.randrange(10 ** 6)])
    if kind == 3:
        return rng.choice([0.0, -1.5, float("inf"), 5e-324, rng.random()])
    shape = tuple(rng.randrange(5) for _ in range(rng.randrange(4)))
    dtype = np.dtype("<" + rng.choice(DTYPES))
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return np.frombuffer(rng.randbytes(size), dtype).reshape(shape)


def random_records(rng):
    return [(random_text(rng), {f"f{i}{random_text(rng, 5)}": random_value(rng)
                                for i in range(rng.randrange(5))})
            for _ in range(rng.randrange(1, 20))]


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    return type(a) is type(b) and a == b


class RoundTrip(unittest.TestCase):
    def check(self, script, memories):
        rng = random.Random(7)
        with Rank(script).start() as rank:
            for _ in range(60):
                records = random_records(rng)
                answer, released = rank.ask(records)
                self.assertEqual(released, 1)
                self.assertEqual(len(answer), len(records))
                for i, (source, key, fields) in enumerate(answer):
                    self.assertEqual((source, key), (i, records[i][0]))
                    self.assertEqual(list(fields), list(records[i][1]))
                    for name, (value, memory) in fields.items():
                        self.assertTrue(same(records[i][1][name], value), (name, value))
                        wanted = 0 if isinstance(value, (int, float)) else memories
                        self.assertEqual(memory, wanted)
            self.assertEqual(rank.finish(), 0)
            self.assertEqual(rank.logged(), "")

    def test_untouched_records_cost_no_copy(self):
        self.check(ECHO, 1)

    def test_values_read_and_set_again(self):
        self.check(REBUILD, 0)

    def test_drop_split_and_new(self):
        script = """
from sluice import Record, Stage, run
class Some(Stage):
    def process(self, batch):
        split = [batch[2].copy(f"{batch[2].key}/{i}") for i in range(3)]
        return [None, [], split, Record("new", {"x": 1})]
run(Some)
"""
        with Rank(script).start() as rank:
            answer, _ = rank.ask([(str(i), {"b": b"bytes"}) for i in range(4)])
            self.assertEqual([(source, key) for source, key, _ in answer],
                             [(2, "2/0"), (2, "2/1"), (2, "2/2"), (3, "new")])
            self.assertEqual(answer[0][2], {"b": (b"bytes", 1)})
            self.assertEqual(answer[3][2], {"x": (1, 0)})
            self.assertEqual(rank.finish(), 0)

    def test_all_dropped(self):
        script = ECHO.replace("return batch", "return [None] * len(batch)")
        with Rank(script).start() as rank:
            self.assertEqual(rank.ask([("a", {}), ("b", {})]), ([], 1))

    def test_numpy_scalars_and_odd_arrays(self):
        script = """
import numpy as np
from sluice import Stage, run
class Odd(Stage):
    def process(self, batch):
        for record in batch:
            record["int"] = np.int16(-3)
            record["float"] = np.float32(0.5)
            record["bool"] = np.bool_(True)
            record["flag"] = True
            record["mask"] = np.array([True, False])
            record["big"] = np.arange(4, dtype=">i4")
            record["strided"] = np.arange(12, dtype=np.int64).reshape(3, 4)[:, ::2]
            record["fortran"] = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
            record["none"] = np.empty((0, 3), np.float16)
            record["scalar"] = np.array(2.5)
            record["array"] = bytearray(b"abc")
            record["reversed"] = memoryview(b"abc")[::-1]
            record["ints"] = memoryview(np.arange(2, dtype=np.int32))
            record["nothing"] = b""
        return batch
run(Odd)
"""
        with Rank(script).start() as rank:
            fields = {name: value for name, (value, _) in rank.ask([("a", {})])[0][0][2].items()}
            expected = {
                "int": -3, "float": 0.5, "bool": 1, "flag": 1, "mask": np.array([1, 0], "u1"),
                "big": np.arange(4, dtype="<i4"), "strided": np.array([[0, 2], [4, 6], [8, 10]]),
                "fortran": np.arange(6, dtype="f4").reshape(2, 3), "none": np.empty((0, 3), "f2"),
                "scalar": np.array(2.5), "array": b"abc", "reversed": b"cba",
                "ints": bytes([0, 0, 0, 0, 1, 0, 0, 0]), "nothing": b""}
            self.assertEqual(list(fields), list(expected))
            for name, value in expected.items():
                self.assertTrue(same(value, fields[name]), (name, fields[name]))

    def test_context_and_lifecycle(self):
        script = """
from sluice import Stage, run
class Telling(Stage):
    def setup_on_node(self, context): print("node", context.node)
    def setup(self, context): print("setup", context.stage, context.worker, context.settings["x"])
    def process(self, batch): print("batch of", len(batch)); return batch
    def teardown(self): print("teardown")
run(Telling)
"""
        with Rank(script, setup={"settings": {"x": [1, 2]}, "later": "ignored"}).start() as rank:
            rank.ask([("a", {})])
            self.assertEqual(rank.logged(), "node n1\nsetup shout 0 [1, 2]\nbatch of 1\n")
            self.assertEqual(rank.finish(), 0)
            self.assertTrue(rank.logged().endswith("teardown\n"))
        with Rank(script, setup={"settings": {"x": 0}, "on_node": False}).start() as rank:
            self.assertEqual(rank.logged(), "setup shout 0 0\n")


if __name__ == "__main__":
    unittest.main()
