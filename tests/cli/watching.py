"""Runs of the program on a terminal that people look at, that hangs up, that stops reading, and
with a run directory that is pulled away: each must end well, with all of its outputs.
    watching.py PROGRAM [TEST…]"""
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ROWS = 90
JOB = """
[pipeline]
name = "watched"
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
workers = 1
settings = {{ service = "fixed", mean = "{mean}" }}
[[stage]]
name = "write"
use = "jsonl.write"
settings = {{ path = "{where}out.jsonl" }}
"""
PATIENCE = 60


class Terminal:
    """A pseudo-terminal with a program in a session of its own, whose terminal it is."""

    def __init__(self, arguments, folder, columns=80, rows=24):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            arguments, cwd=folder, stdin=slave, stdout=slave, stderr=slave, close_fds=True,
            start_new_session=True, env={**os.environ, "TERM": "xterm"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.text = ""

    def read_until(self, wanted):
        end = time.monotonic() + PATIENCE
        while wanted not in self.text:
            if not select.select([self.master], [], [], end - time.monotonic())[0]:
                raise AssertionError(f"no {wanted!r} in {self.text!r}")
            try:
                self.text += os.read(self.master, 1 << 16).decode(errors="replace")
            except OSError:  # the program has ended
                assert wanted in self.text, self.text

    def end(self):
        return self.process.wait(PATIENCE)


class Watched(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-watching-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        with open(self.folder / "rows.jsonl", "w", encoding="utf-8") as rows:
            rows.writelines(json.dumps({"key": f"k{i}"}) + "\n" for i in range(ROWS))

    def write_job(self, mean="30ms", where=""):
        (self.folder / "job.toml").write_text(JOB.format(mean=mean, where=where), encoding="utf-8")

    def start(self, *arguments):
        terminal = Terminal([PROGRAM, *arguments], self.folder)
        self.addCleanup(os.close, terminal.master)
        self.addCleanup(terminal.process.kill)
        return terminal

    def check_outputs(self, path):
        with open(self.folder / path, encoding="utf-8") as lines:
            keys = sorted(json.loads(line)["key"] for line in lines)
        self.assertEqual(keys, sorted(f"k{i}" for i in range(ROWS)))

    def test_a_terminal_shows_one_screen_that_is_redrawn(self):
        self.write_job()
        terminal = self.start("run", "job.toml")
        terminal.read_until("\x1b[5A")  # that is the second picture
        terminal.read_until(f"{ROWS} of {ROWS} records done")
        self.assertEqual(terminal.end(), 0)
        lines = terminal.text.split("\r\n")
        self.assertTrue(any(line.startswith("\x1b[1m> work") for line in lines), lines)
        self.assertIn("took ", terminal.text)
        self.check_outputs("out/out.jsonl")

    def test_another_shell_watches_until_the_end(self):
        self.write_job()
        top = self.start("top", "out", "--interval", "0.2")
        top.read_until("no run has begun in 'out' yet")
        run = self.start("run", "job.toml", "--progress", "quiet")
        top.read_until("running in process")
        top.read_until("finished.")
        self.assertEqual(top.end(), 0)
        self.assertEqual(run.end(), 0)

    def test_a_terminal_that_hangs_up(self):
        self.write_job()
        terminal = Terminal([PROGRAM, "run", "job.toml"], self.folder)
        self.addCleanup(terminal.process.kill)
        terminal.read_until(" done (")
        os.close(terminal.master)  # the kernel sends SIGHUP, and writing fails from now on
        self.assertEqual(terminal.end(), 0)
        self.check_outputs("out/out.jsonl")

    def test_a_terminal_that_stops_reading(self):
        self.write_job()
        terminal = self.start("run", "job.toml")
        terminal.read_until(" done (")
        os.write(terminal.master, b"\x13")  # Ctrl-S
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "out/summary.json").exists():
            self.assertLess(time.monotonic(), deadline, "the run waits for its terminal")
            time.sleep(0.1)
        os.write(terminal.master, b"\x11")
        terminal.read_until("records done")
        self.assertEqual(terminal.end(), 0)
        self.check_outputs("out/out.jsonl")

    def test_nobody_who_reads_the_pipe_is_needed(self):
        self.write_job()
        process = subprocess.Popen(
            [PROGRAM, "run", "job.toml", "--progress", "json"], cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.kill)
        picture = json.loads(process.stdout.readline())
        self.assertEqual(picture["inputs"], ROWS)
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.check_outputs("out/out.jsonl")

    def test_the_run_directory_is_pulled_away(self):
        """What the run wrote there for itself goes with it; the outputs lie elsewhere."""
        self.write_job(where=f"{self.folder}/")
        terminal = self.start("run", "job.toml", "--trace")
        terminal.read_until(" done (")
        (self.folder / "out").rename(self.folder / "away")
        shutil.rmtree(self.folder / "away")
        terminal.read_until("records done")
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.check_outputs("out.jsonl")

    def test_a_full_disk_for_logs_trace_and_history(self):
        """Such a disk takes no byte more."""
        self.write_job()
        for name in ("out/logs", "out/trace"):
            (self.folder / name).mkdir(parents=True)
        for name in ("out/history.jsonl", "out/logs/rank-0.log", "out/logs/rank-1.log"):
            os.symlink("/dev/full", self.folder / name)
        terminal = self.start("run", "job.toml")
        terminal.read_until("records done")
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.check_outputs("out/out.jsonl")


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    signal.alarm(280)
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
