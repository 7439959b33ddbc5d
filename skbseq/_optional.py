"""Load what is not always installed, and say what to install where it is missing."""

import importlib
import importlib.metadata
import os
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress

__all__ = ["import_optional", "quiet_tensorflow"]

_START_UP = (b"WARNING: All log messages before absl::InitializeLog", b"I0000 ")
_LOADING = threading.Lock()


def import_optional(module, *, extra, purpose):
    """Import a module of an optional dependency.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        The extra of skbseq that installs it.
    purpose : str
        What it is needed for, to end the sentence "... is needed ...".

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is needed {purpose}. Install it with: pip install 'skbseq[{extra}]'"
        ) from error


@contextmanager
def quiet_tensorflow():
    """Import TensorFlow in this context without its start-up messages.

    On a machine without a GPU they read like errors, and TensorFlow's own switch
    (``TF_CPP_MIN_LOG_LEVEL``) no longer reaches those of the import (tensorflow issue 100442).
    So file descriptor 2 is redirected while TensorFlow is first imported; whatever else was
    written there is written again. A user who has set the switch to another level than 3, which
    is set here and inherited by worker processes, sees all messages.
    """
    if "tensorflow" in sys.modules:  # without the lock, because each prediction enters here
        yield
        return
    # Of two threads the second would take the first one's file for standard error.
    with _LOADING:
        level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        _set_up_xla()
        if "tensorflow" in sys.modules or level != "3":
            yield
        else:
            with _stderr_without(_START_UP):
                yield


@contextmanager
def _stderr_without(beginnings):
    """Standard error without lines of some beginnings, those of C libraries included."""
    with tempfile.TemporaryFile() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            others = [line for line in written if not line.startswith(beginnings)]
            os.write(2, b"".join(others))


def _set_up_xla():
    """Have XLA compile in little time.

    One part per core in the place of 32, and LLVM's first level of optimisation: the first fit of
    a process, TensorFlow loaded, takes 1.0 s in the place of 1.9 on two cores, and what follows
    no longer. An unknown flag ends the process, so they are given to the versions alone that are
    known to have them; and not where somebody has set flags of his own.
    """
    if "tensorflow" in sys.modules:
        return
    with suppress(importlib.metadata.PackageNotFoundError):  # TensorFlow by another name
        if importlib.metadata.version("tensorflow").startswith("2.21."):
            flags = (
                f"--xla_cpu_parallel_codegen_split_count={os.cpu_count() or 1}",
                "--xla_backend_optimization_level=1",
            )
            os.environ.setdefault("XLA_FLAGS", " ".join(flags))
