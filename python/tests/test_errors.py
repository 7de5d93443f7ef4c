"""What is wrong is said clearly, and the process goes on, or ends, as it should."""

import os
import pty
import signal
import struct
import subprocess
import sys
import time
import unittest

from fake_rank import BATCH, HELLO, PACKAGE, SETUP, TEARDOWN, TIMEOUT, Rank

PROCESS = """
import numpy as np
from sluice import Record, RecordError, Stage, run
class Wrong(Stage):
    def process(self, batch):
        {}
run(Wrong)
"""


DO_AS_TOLD = """
import sys
import numpy as np
from sluice import Record, RecordError, Stage, run
class Told(Stage):
    def process(self, batch):
        if "code" not in batch[0]:
            return batch
        told = {}
        exec("def do(batch): " + batch[0]["code"], globals(), told)
        return told["do"](batch)
run(Told)
"""


def ends_soon(pid):
    """Whether the process is gone, or a zombie that nobody waits for, in time."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False


class Failures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rank = Rank(DO_AS_TOLD).start()

    @classmethod
    def tearDownClass(cls):
        with cls.rank as rank:
            assert rank.finish() == 0
            assert rank.logged() == "", rank.logged()

    def failure(self, code):
        """What the process says of a batch; it must serve the next one."""
        batch = self.rank.give([("r0", {"x": 1, "code": code}), ("r1", {"x": 1})])
        failure = self.rank.failed(batch)
        self.assertEqual(self.rank.ask([("good", {})]), ([(0, "good", {})], 1))
        return failure

    def test_exception(self):
        failure = self.failure("return 1 // (batch[0]['x'] - 1)")
        self.assertEqual(failure["error"], "ZeroDivisionError: integer division or modulo by zero")
        self.assertIn("line 11, in process", failure["details"])
        self.assertNotIn("worker.py", failure["details"])
        self.assertNotIn("record", failure)

    def test_record_error(self):
        failure = self.failure("raise RecordError(1, 'no text')")
        self.assertEqual((failure["error"], failure["record"]), ("no text", 1))

    def test_record_error_with_any_index(self):
        for index, told in (("numpy.int64(2)", 2), ("-1", None), ("'x'", None)):
            self.assertEqual(self.failure(f"import numpy; raise RecordError({index}, 'poison')")
                             .get("record"), told, index)

    def test_sys_exit_is_a_failure(self):
        self.assertEqual(self.failure("sys.exit(3)")["error"], "SystemExit: 3")

    def test_missing_field(self):
        self.assertEqual(self.failure("batch[1]['y']")["error"],
                         "FieldError: record 'r1' has no field 'y'; its fields: x")
        self.assertIn("record 'r1' has no field 'y'", self.failure("del batch[1]['y']")["error"])

    def test_wrong_return(self):
        for code, error in [
                ("return None", "TypeError: process returned a NoneType, not a list"),
                ("return batch[0]", "TypeError: process returned a Record, not a list"),
                ("return (record for record in batch)", "process returned a generator, not a list"),
                ("return batch[:1]", "ValueError: process returned 1 entries for 2 records")]:
            self.assertIn(error, self.failure(code)["error"])
        for code, error in [
                ("return [batch[0], 7]", "process returned a int for record 1"),
                ("return [batch[0], ['a']]", "process returned a list with a str for record 1")]:
            failure = self.failure(code)
            self.assertIn(error, failure["error"])
            self.assertEqual(failure["record"], 1)

    def test_wrong_value(self):
        for value, error in [
                ("None", "TypeError: record 'r1', field 'y': cannot hold a NoneType"),
                ("[1]", "cannot hold a list; a field is bytes, str, int, float or a NumPy array"),
                ("1 << 63", "ValueError: record 'r1', field 'y': 9223372036854775808 does not fit"),
                ("np.uint64(2**63)", "9223372036854775808 does not fit 64 bits"),
                ("np.zeros(2, complex)", "cannot hold an array of dtype complex128; use one of"),
                ("np.array([None])", "cannot hold an array of dtype object"),
                ("np.array(['a'])", "cannot hold an array of dtype <U1"),
                ("1j", "cannot hold a complex")]:
            failure = self.failure(f"batch[1]['y'] = {value}")
            self.assertIn(error, failure["error"])
        self.assertIn("a field's name is a str", self.failure("batch[0][3] = 1")["error"])

    def test_what_shows_only_in_the_end_names_the_record(self):
        failure = self.failure("batch[1]['y'] = chr(0xd800); return batch")
        self.assertRegex(failure["error"], "^record 'r1', field 'y': .*surrogates not allowed")
        self.assertEqual(failure["record"], 1)
        failure = self.failure("batch[1].key = 5; return batch")
        self.assertEqual(failure["error"], "a record's key is a str, not 5")

    def test_surrogates_and_megabytes_in_a_message(self):
        failure = self.failure("raise ValueError(chr(0xd800) + 'x' * 30_000_000)")
        self.assertTrue(failure["error"].endswith("xxx"))

    def test_breakpoint_without_terminal(self):
        self.assertIn("breakpoint() needs a terminal", self.failure("breakpoint()")["error"])

    def test_failing_setup_and_teardown(self):
        for verb in ("setup_on_node(self, context)", "setup(self, context)"):
            script = PROCESS.format("pass").replace("process(self, batch)", verb) \
                .replace("pass", "raise OSError('no model')")
            with Rank(script) as rank, self.assertRaisesRegex(AssertionError, "failed came"):
                rank.start()
            with Rank(script) as rank:
                rank.frame(HELLO)
                rank.send(SETUP, 0, b'{"output_limit": 65536, "on_node": true}')
                self.assertEqual(rank.failed(0)["error"], "OSError: no model")
                self.assertEqual(rank.process.wait(TIMEOUT), 1)
        script = PROCESS.format("return batch\n    def teardown(self): raise OSError('no disk')")
        with Rank(script).start() as rank:
            rank.send(TEARDOWN)
            self.assertEqual(rank.failed(0)["error"], "OSError: no disk")
            self.assertEqual(rank.process.wait(TIMEOUT), 1)


class Ends(unittest.TestCase):
    SLEEP = PROCESS.format("print('in'); import time, subprocess; time.sleep(60)")

    def wait_for_log(self, rank, text):
        until = time.monotonic() + TIMEOUT
        while text not in rank.logged():
            self.assertLess(time.monotonic(), until, rank.logged())
            time.sleep(0.01)

    def test_ends_when_the_rank_is_gone(self):
        with Rank(PROCESS.format("return batch")).start() as rank:
            rank.socket.close()
            self.assertEqual(rank.process.wait(TIMEOUT), 1)

    def test_ends_amid_the_stages_code_when_the_rank_is_gone(self):
        with Rank(self.SLEEP).start() as rank:
            rank.give([("a", {})])
            self.wait_for_log(rank, "in")
            start = time.monotonic()
            rank.socket.close()
            self.assertEqual(rank.process.wait(TIMEOUT), 1)
            self.assertLess(time.monotonic() - start, 5)

    def test_what_it_started_ends_with_it_and_its_rank(self):
        script = """
import subprocess
from sluice import Stage, run
class Starts(Stage):
    def setup(self, context):
        self.started = subprocess.Popen(["sleep", "777"])
    def process(self, batch):
        batch[0]["pid"] = self.started.pid
        return batch
run(Starts)
"""
        for gone in ("rank", "process", "both"):
            with Rank(script, own_group=True).start() as rank:
                pid = rank.ask([("a", {})])[0][0][2]["pid"][0]
                if gone != "rank":
                    rank.process.kill()
                if gone != "process":
                    rank.socket.close()
                self.assertTrue(ends_soon(pid), gone)

    def test_sigterm_ends_it_and_sigint_does_not(self):
        script = PROCESS.format("import time; print('in'); time.sleep(0.5); return batch")
        with Rank(script).start() as rank:
            batch = rank.give([("a", {})])
            self.wait_for_log(rank, "in")
            rank.process.send_signal(signal.SIGINT)
            self.assertEqual(rank.result(batch)[0], [(0, "a", {})])
        with Rank(self.SLEEP).start() as rank:
            rank.give([("a", {})])
            self.wait_for_log(rank, "in")
            rank.process.terminate()
            self.assertEqual(rank.process.wait(TIMEOUT), -signal.SIGTERM)

    def test_prints_are_in_the_log_when_it_is_killed(self):
        code = "print('x' * 3_000_000); print('y'); import os; os.kill(os.getpid(), 9)"
        with Rank(PROCESS.format(code)).start() as rank:
            rank.give([("a", {})])
            self.assertEqual(rank.process.wait(TIMEOUT), -9)
            self.assertEqual(len(rank.logged()), 3_000_003)

    def test_a_crash_leaves_a_traceback_in_the_log(self):
        with Rank(PROCESS.format("import os; os.abort()")).start() as rank:
            rank.give([("a", {})])
            rank.process.wait(TIMEOUT)
            self.assertIn("in process", rank.logged())

    def test_frames_that_make_no_sense_end_it(self):
        for kind, body, error in [
                (99, b"", "a frame of unknown kind 99"),
                (BATCH, struct.pack("<QQ", 1 << 40, 64), "a table at 1099511627776"),
                (BATCH, struct.pack("<QQ", 0, 64), "a table that does not fit its head")]:
            with Rank(PROCESS.format("return batch")).start() as rank:
                rank.send(kind, 1, body)
                self.assertEqual(rank.process.wait(TIMEOUT), 1)
                self.assertIn("sluice: the rank sent " + error, rank.logged())

    def test_without_a_rank_and_with_another_protocol(self):
        environment = {**os.environ, "PYTHONPATH": PACKAGE}
        script = PROCESS.format("return batch")
        for extra, error in [({}, "is run with 'sluice run JOB.toml'"),
                             ({"SLUICE_SOCKET": "3", "SLUICE_PROTOCOL": "2"},
                              "speaks version 2 of the protocol with its stages, and this Python "
                              "package version 1")]:
            done = subprocess.run([sys.executable, "-c", script], env={**environment, **extra},
                                  stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(error, done.stderr)

    def test_what_is_no_stage(self):
        with Rank("import sluice\nsluice.run(dict)") as rank:
            rank.frame(HELLO)
            rank.send(SETUP, 0, b'{"output_limit": 65536}')
            self.assertEqual(rank.failed(0)["error"],
                             "TypeError: run() wants a sluice.Stage, not a dict")

    def test_children_of_a_stage_are_no_stages(self):
        script = PROCESS.format("""import subprocess, sys
        child = "import os, sluice; print('SLUICE_SOCKET' in os.environ)"
        print(subprocess.run([sys.executable, "-c", child], capture_output=True).stdout)
        return batch""")
        with Rank(script).start() as rank:
            rank.ask([("a", {})])
            self.assertEqual(rank.logged(), "b'False\\n'\n")


class Debugging(unittest.TestCase):
    def test_breakpoint_stops_at_a_terminal(self):
        ours, theirs = pty.openpty()
        try:
            code = "breakpoint()\n        x = 5\n        batch[0]['x'] = x; return batch"
            with Rank(PROCESS.format(code), stdin=theirs).start() as rank:
                batch = rank.give([("a", {"x": 1})])
                os.write(ours, b"p 'x is', batch[0]['x']\nc\n")
                self.assertEqual(rank.result(batch)[0], [(0, "a", {"x": (5, 0)})])
                self.assertIn("(Pdb) ('x is', 1)", rank.logged())
        finally:
            os.close(ours)
            os.close(theirs)


class Module(unittest.TestCase):
    def test_python_m_sluice(self):
        script = "from sluice import Stage\nclass Echo(Stage):\n    process = lambda self, b: b\n"
        for what in ("stage:Echo", "stage.py:Echo"):
            with Rank(script, arguments=["-m", "sluice", what]).start() as rank:
                self.assertEqual(rank.ask([("a", {})])[0], [(0, "a", {})])
                self.assertEqual(rank.finish(), 0)
        for what, error in [("stage:Other", "AttributeError"), ("other:Echo", "No module named"),
                            ("stage", "is not MODULE:CLASS")]:
            with Rank(script, arguments=["-m", "sluice", what]) as rank:
                rank.frame(HELLO)
                rank.send(SETUP, 0, b'{"output_limit": 65536}')
                self.assertIn(error, rank.failed(0)["error"])


if __name__ == "__main__":
    unittest.main()
