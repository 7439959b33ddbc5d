"""Load optional dependencies, and say what to install if one is missing."""

import importlib
import importlib.metadata
import os
import sys
import tempfile
import threading
from contextlib import suppress

__all__ = ["import_optional", "import_tensorflow_quietly"]

# How the lines of TensorFlow's start-up messages begin.
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
        Completes the sentence "MODULE is needed ..." of the error message.

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


def import_tensorflow_quietly(module):
    """Import a module that imports TensorFlow, without TensorFlow's start-up messages.

    On a machine without a GPU these messages look like errors. TensorFlow's own setting
    (``TF_CPP_MIN_LOG_LEVEL``) no longer suppresses those of the import (tensorflow issue 100442).
    So file descriptor 2 is redirected during the first import of TensorFlow, and all other lines
    are written to it afterwards. If the user set the level to another value than 3, nothing is
    redirected; 3 is the value set here, and worker processes inherit it.

    Parameters
    ----------
    module : str
        Dotted name of the module.

    Returns
    -------
    module
        The imported module.
    """
    if module in sys.modules:  # without the lock, because each prediction calls this
        return importlib.import_module(module)
    # Without the lock, a second thread would save the first one's file as standard error.
    with _LOADING:
        return _import_quietly(module)


def _import_quietly(module):
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _set_up_xla()
    if "tensorflow" in sys.modules or level != "3":
        return importlib.import_module(module)
    with tempfile.TemporaryFile() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            return importlib.import_module(module)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            # Keep other lines, such as errors and warnings of other threads.
            others = [line for line in written if not line.startswith(_START_UP)]
            os.write(2, b"".join(others))


def _set_up_xla():
    """Make XLA compile faster.

    XLA splits a program into one part per core instead of 32, and LLVM optimises at its first
    level. The first fit of a process, with TensorFlow already loaded, takes 1.0 instead of 1.9 s
    on two cores; later fits are not slower. An unknown flag ends the process, so the flags are set
    only for versions known to have them. Flags that the user has set are kept.
    """
    if "tensorflow" in sys.modules:  # it has read the flags already
        return
    with suppress(importlib.metadata.PackageNotFoundError):  # TensorFlow under another name
        if importlib.metadata.version("tensorflow").startswith("2.21."):
            flags = (
                f"--xla_cpu_parallel_codegen_split_count={os.cpu_count() or 1}",
                "--xla_backend_optimization_level=1",
            )
            os.environ.setdefault("XLA_FLAGS", " ".join(flags))
