"""What the process does about its surroundings: signals, its log, and the rank's end."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import threading
from typing import Callable


def prepare() -> None:
    """Makes prints appear at once, and leaves it to the rank when to stop."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    faulthandler.enable()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not interactive():
        # A terminal sends Ctrl-C to all; the rank decides. Not SIG_IGN: children would inherit it.
        signal.signal(signal.SIGINT, lambda *_: None)
        if "PYTHONBREAKPOINT" not in os.environ:
            sys.breakpointhook = refuse_breakpoint


def interactive() -> bool:
    """Whether somebody may be at the other end of the standard input: in debug mode."""
    try:
        return os.fstat(0).st_rdev != os.stat(os.devnull).st_rdev
    except OSError:
        return False


def refuse_breakpoint(*_, **__) -> None:
    raise RuntimeError("breakpoint() needs a terminal, which a stage has in debug mode alone: "
                       "sluice run JOB.toml --mode debug")


def leave_with(until_gone: Callable[[], None], is_ending: Callable[[], bool]) -> None:
    """Ends the process, and what it started, at once when the rank is gone, even in the midst of
    the stage's code: a thread waits for that."""

    def watch() -> None:
        until_gone()
        if not is_ending():
            leave()

    threading.Thread(target=watch, name="sluice-rank-watch", daemon=True).start()


# The system ends this process with its rank before a thread of it could end what it has started. So
# a process of its own does; one that knows nothing of what the stage has loaded.
GUARD = """
import os, select, sys
socket, parent = map(int, sys.argv[1:])
poll = select.poll()
poll.register(socket, 0)
while os.getppid() == parent and not poll.poll(1000):
    pass
os.killpg(0, 9)
"""


def guard_group(socket: int) -> None:
    """Ends what the stage has started, should this process or its rank be killed."""
    if os.getpgrp() != os.getpid() or interactive():
        return
    subprocess.Popen([sys.executable, "-I", "-S", "-c", GUARD, str(socket), str(os.getpid())],
                     pass_fds=(socket,), stdin=subprocess.DEVNULL)


def leave() -> None:
    if os.getpgrp() == os.getpid() and not interactive():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
