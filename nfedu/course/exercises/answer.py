"""An answer as its judge sees it: a file that is loaded into a process of its own, with a limit of time."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import nfedu
from nfedu.course.exercises.pupil import Pupil
from nfedu.course.exercises.wire import End, Message, Remote, connected

START = 20.0  # seconds for Python and NumPy to be there, before the answer's own time begins
LONGEST = 100_000_000  # bytes of one message
NONSENSE = "answered something that is no answer"


class EndedError(Exception):
    """The answer's process has come to its end, and says nothing any more."""


def judges_end() -> End:
    """Return the end of the wire that a judge holds: of all that is its own, only functions it hands out are called."""
    return End({"call": lambda function, *arguments: function(*arguments)})


@contextmanager
def here(path: Path) -> Iterator[Any]:
    """Load an answer into this very process: quick, and only for code that is trusted."""
    end = judges_end()
    connected(end, Pupil().end)
    yield end.ask("load", str(path))


class Apart:
    """An answer in a process of its own, which goes on from one part to the next; where it has ended, in a new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process: Process | None = None
        self.module: Any = None

    @contextmanager
    def loaded(self, seconds: float) -> Iterator[Any]:
        """Give the body the answer, for so many seconds; raise EndedError when they are over, or the process is."""
        try:
            fresh = self.process is None
            self.process = self.process or Process()
            self.process.allow(seconds)
            if fresh:
                self.module = self.process.end.ask("load", str(self.path))
            if not isinstance(self.module, Remote):
                raise EndedError(NONSENSE)
            yield self.module
        except EndedError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()


class Process:
    """A process that holds an answer, and the wire to it."""

    def __init__(self) -> None:
        root = str(Path(nfedu.__file__).parents[1])
        environment = os.environ | {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nfedu.course.exercises.pupil"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        self.end = judges_end()
        self.end.transport = self.talk
        self.allow(START)
        try:
            self.receive()  # it is ready: from now on the time is the answer's
        except BaseException:
            self.stop()
            raise

    def allow(self, seconds: float) -> None:
        """Give it so many seconds from now."""
        self.seconds, self.deadline = seconds, monotonic() + seconds

    def listen(self) -> None:
        """Read lines until there are no more."""
        assert self.process.stdout is not None
        with suppress(OSError, ValueError):
            while line := self.process.stdout.readline(LONGEST):
                self.lines.put(line)
        self.lines.put(b"")

    def receive(self) -> Message:
        """Return the next message; EndedError when there is none, or none in time."""
        try:
            line = self.lines.get(timeout=max(0.0, self.deadline - monotonic()))
        except queue.Empty:
            raise EndedError(f"took longer than {self.seconds:.1f} s and was stopped") from None
        if not line:
            raise EndedError(f"ended its process (exit code {self.process.wait(5)}) instead of returning something")
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict) or not {"ask", "value", "trouble"} & set(message):
            raise EndedError(NONSENSE)
        return message

    def talk(self, message: Message) -> Message:
        """Send a question; answer what is asked back until the reply is there."""
        while True:
            self.send(message)
            reply = self.receive()
            if "ask" not in reply:
                return reply
            message = self.end.handle(reply)

    def send(self, message: Message) -> None:
        """Write a line."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # that it has ended is heard when we listen
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """End the process, and whatever it has started."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        self.listener.join(1)
        streams = [self.process.stdin] if self.listener.is_alive() else [self.process.stdin, self.process.stdout]
        for stream in streams:  # a process that it left behind may hold the other end: then nobody listens any more
            with suppress(OSError):
                assert stream is not None
                stream.close()
