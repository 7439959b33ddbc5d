"""One line on standard error where reading takes long."""

import logging
import sys
import threading
from contextlib import contextmanager

LOGGER = "skbseq"
_FIRST, _THEN = 1.0, 10.0  # seconds


class _ToStandardError(logging.Handler):
    """Writes plain lines to the standard error of the moment."""

    def emit(self, record):
        print(self.format(record), file=sys.stderr, flush=True)


# Its own handler, because Python shows no progress of a logger without one.
_logger = logging.getLogger(LOGGER)
_logger.addHandler(_ToStandardError())
_logger.setLevel(logging.INFO)
_logger.propagate = False


@contextmanager
def progress(what):
    """Say after a second, and then every ten, that something is still being read.

    Parameters
    ----------
    what : str
        Completes the sentence "Reading ...".

    Yields
    ------
    callable
        Takes a text on how far it is.
    """
    far, done = [""], threading.Event()

    def report():
        wait = _FIRST
        while not done.wait(wait):
            _logger.info("Reading %s%s ...", what, far[0])
            wait = _THEN

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield lambda text: far.__setitem__(0, f", {text}")
    finally:
        done.set()
        thread.join()


def format_size(n_bytes):
    """Bytes as text."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
