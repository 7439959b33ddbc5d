"""Load optional dependencies, and say what to install if one is missing."""

import gc
import importlib
import importlib.metadata
import os
import sys
import tempfile
import threading
from contextlib import contextmanager, nullcontext, suppress

__all__ = [
    "MissingLibraryError",
    "import_optional",
    "quiet_tensorflow",
    "quiet_unless_asked",
    "without_array_libraries",
]

# How the lines of TensorFlow's start-up messages begin.
_START_UP = (b"WARNING: All log messages before absl::InitializeLog", b"I0000 ")
# Logged as an error on each machine without a GPU.
_NO_GPU = b"failed call to cuInit"
_LOADING = threading.Lock()
# Packages of scikit-learn, each of which imports a large library where it is installed.
_ARRAY_LIBRARIES = [
    f"sklearn.externals.array_api_compat.{name}" for name in ("cupy", "dask", "torch")
]


class MissingLibraryError(ImportError):
    """An optional dependency is not installed; the message names the extra."""


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
    MissingLibraryError
        If it is not installed; it is an ImportError.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingLibraryError(
            f"{module} is needed {purpose}. Install it with: pip install 'skbseq[{extra}]'"
        ) from error


@contextmanager
def without_array_libraries():
    """Import in this context what searches scikit-learn, without loading PyTorch, CuPy and Dask.

    `sklearn.utils.all_estimators` imports each package of scikit-learn, also those for arrays of
    other libraries; where PyTorch is installed, it takes more than 300 MB. These packages have no
    estimators, and the search skips packages that cannot be imported.
    """
    hidden = [name for name in _ARRAY_LIBRARIES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # None: as if it were not installed
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


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
    # Without the lock, a second thread would save the first one's file as standard error.
    with _LOADING:
        level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        _set_up_xla()
        if "tensorflow" in sys.modules or level != "3":
            filtered = nullcontext()
        else:
            filtered = _stderr_without(_START_UP)
        with filtered, _without_collection():
            yield


@contextmanager
def quiet_unless_asked():
    """Run TensorFlow's first operations in this context without their messages.

    Only needed where TensorFlow was imported before :func:`quiet_tensorflow` could set its switch,
    which it reads once, at the import. A user who has set the switch sees what it lets through.

    Yields
    ------
    bool
        Whether messages are hidden.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield False
        return
    with _LOADING, _stderr_without(_START_UP):
        yield True


@contextmanager
def _without_collection():
    """No garbage collection in this context.

    TensorFlow's import makes very many objects, and nearly all of them stay. Repeated searches for
    garbage among them take a fifth of the time of the import.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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
            # Keep other lines, such as errors and warnings of other threads.
            others = [
                line for line in written if not line.startswith(beginnings) and _NO_GPU not in line
            ]
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
