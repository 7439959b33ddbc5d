"""The process and its environment: Ctrl-C, closed pipes, the program name."""

import logging
import os
import shlex
import shutil
import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path


class Interrupts:
    """Records Ctrl-C, because TensorFlow's C++ code may turn it into any other error.

    Parameters
    ----------
    ends : bool
        Whether the process ends afterwards. Ctrl-C is then ignored, because the work is done and
        an interrupted shutdown only prints tracebacks.
    """

    def __init__(self, ends):
        self.seen = False
        self._ends = ends

    def __enter__(self):
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN if self._ends else self._before)

    def _interrupt(self, signum, frame):
        self.seen = True
        raise KeyboardInterrupt


@contextmanager
def progress_level(level):
    """Messages of the logger of skbseq from this level on, in this context."""
    logger = logging.getLogger("skbseq")
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)


class _PatientStream:
    """A stream whose pipe may be closed: later output is discarded and the work goes on."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        self._unless_gone(self._stream.write, text)
        return len(text)

    def flush(self):
        self._unless_gone(self._stream.flush)

    def _unless_gone(self, do, *arguments):
        try:
            do(*arguments)
        except BrokenPipeError:
            # Redirect what the stream still buffers; otherwise Python reports an error at exit.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def patient_output():
    """Context in which `skbseq fit ... | head` finishes its work after head has exited."""
    with ExitStack() as stack:
        for redirect, stream in ((redirect_stdout, sys.stdout), (redirect_stderr, sys.stderr)):
            patient = _PatientStream(stream)
            stack.enter_context(redirect(patient))
            stack.callback(patient.flush)
        yield


class _WatchedStream:
    """A stream that notes when it was last written to, and whether a line is unfinished."""

    def __init__(self, stream):
        self._stream = stream
        self.written, self.in_line = time.monotonic(), False

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        self.written = time.monotonic()
        self.in_line = not text.endswith("\n") if text else self.in_line
        return self._stream.write(text)


@contextmanager
def heartbeat(say, silence=5.0):
    """Context in which long work that prints nothing is reported, with the seconds so far.

    Parameters
    ----------
    say : callable
        Prints a line.
    silence : float, default=5.0
        Seconds without output after which a line is printed.
    """
    stream, done, began = _WatchedStream(sys.stdout), threading.Event(), time.monotonic()

    def beat():
        while not done.wait(silence / 5):
            now = time.monotonic()
            if now - stream.written >= silence and not stream.in_line:
                say(f"  ... {now - began:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    with redirect_stdout(stream):
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def command_name():
    """The command that runs this program: its plain name, or the path it was called by."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and called.parent.name == "skbseq":
        return f"{shlex.quote(sys.executable)} -m skbseq"
    # The plain name only if the shell would find this very program.
    found = shutil.which("skbseq")
    if called.stem != "skbseq" or (found and called.exists() and os.path.samefile(found, called)):
        return "skbseq"
    return shlex.quote(sys.argv[0])
