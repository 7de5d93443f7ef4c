"""Stages written for Cosmos-Xenna."""

import pickle
import unittest

from fake_rank import Rank

STAGE = """
import sluice
class Peer:
    def __init__(self, factor=2): self.factor = factor
    @property
    def stage_batch_size(self): return 4
    def setup_on_node(self, node_info, worker_metadata):
        print("node", node_info.node_id, worker_metadata.worker_id)
    def setup(self, worker_metadata):
        print("setup", worker_metadata.worker_id, worker_metadata.allocation.node)
    def process_data(self, tasks):
        {}
    def destroy(self): print("destroy")
sluice.run(sluice.adapt(Peer, factor=3))
"""


def task(value):
    return {"task": pickle.dumps(value)}


def values(answer):
    return [(source, key, pickle.loads(fields["task"][0])) for source, key, fields in answer]


class Adapter(unittest.TestCase):
    def test_lifecycle_and_one_result_for_each_task(self):
        with Rank(STAGE.format("return [t * self.factor for t in tasks]")).start() as rank:
            answer, released = rank.ask([("a", {**task(5), "n": 1}), ("b", task("x"))])
            self.assertEqual(values(answer), [(0, "a", 15), (1, "b", "xxx")])
            self.assertEqual(answer[0][2]["n"], (1, 0))
            self.assertEqual(released, 1)
            self.assertEqual(rank.finish(), 0)
            self.assertEqual(rank.logged(), "node n1 shout-w0\nsetup shout-w0 n1\ndestroy\n")

    def test_records_are_tasks_if_nothing_was_pickled(self):
        code = "tasks[0]['y'] = 7; return [tasks[0], None]"
        with Rank(STAGE.format(code)).start() as rank:
            answer, _ = rank.ask([("a", {"x": 1}), ("b", {})])
            self.assertEqual(answer, [(0, "a", {"x": (1, 0), "y": (7, 0)})])

    def test_none_and_nothing_drop_all(self):
        with Rank(STAGE.format("return None if tasks[0] == 1 else []")).start() as rank:
            for first in (1, 2):
                self.assertEqual(rank.ask([("a", task(first)), ("b", task(2))])[0], [])

    def test_one_task_may_become_any_number(self):
        with Rank(STAGE.format("return list(range(tasks[0]))")).start() as rank:
            self.assertEqual(values(rank.ask([("a", task(3))])[0]),
                             [(0, "a/0", 0), (0, "a/1", 1), (0, "a/2", 2)])
            self.assertEqual(values(rank.ask([("a", task(1))])[0]), [(0, "a", 0)])
            self.assertEqual(rank.ask([("a", task(0))])[0], [])

    def test_other_lengths_are_an_error(self):
        code = "return tasks[:1] if len(tasks) > 1 else 'no list'"
        with Rank(STAGE.format(code)).start() as rank:
            failure = rank.failed(rank.give([("a", task(1)), ("b", task(2))]))
            self.assertIn("process_data returned 1 results for 2 tasks", failure["error"])
            self.assertIn("batch_size = 1", failure["error"])
            failure = rank.failed(rank.give([("a", task(1))]))
            self.assertIn("process_data returned a str, not a list or None", failure["error"])


if __name__ == "__main__":
    unittest.main()
