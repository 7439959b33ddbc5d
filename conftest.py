"""How steps run in all tests, repeatable randomness, and memory given back between files."""

import ctypes
import gc
import os
import random
import sys

# Before TensorFlow or matplotlib is imported by anyone: no start-up log, no window.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
# Threads of BLAS, OpenMP and polars wait for each other in a busy loop, while another worker of
# pytest-xdist needs the core: fits of logistic regressions took twice the time of the processor.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import pytest

WAYS = ("eager", "traced", "compiled")
# When a worker holds so many bytes more than after it last gave memory back, it does so again.
MOST_GROWTH = 0.35e9
_kept = {"bytes": 0.8e9, "frozen": False}  # by the libraries, at first


def pytest_configure(config):
    # LLVM's optimisations take half of XLA's time, and pay only with more data than tests have.
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    # To trace a network makes many small objects, and searches among them find nothing.
    gc.set_threshold(50_000, 20, 20)
    config.addinivalue_line(
        "markers",
        "steps(way): steps of training and prediction run 'eager', 'traced' (the default), or "
        "'compiled', as for users. Eager is fastest for up to about four steps.",
    )


@pytest.fixture(scope="module", autouse=True)
def _way_of_the_file(request):
    """Set before the file's own fixtures, so that these run in the way of the file."""
    _set_way(request.node)
    yield
    _give_memory_back()


@pytest.fixture(autouse=True)
def _seed_global_state():
    # scikit-learn's checks and Keras' initializers fall back to these.
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def _way_of_the_test(request):
    _set_way(request.node)
    yield
    _set_way(request.node.getparent(pytest.Module))
    if _memory() > _kept["bytes"] + MOST_GROWTH:
        _give_memory_back()


def _set_way(item):
    """Steps run as the nearest mark says: that of the test, or of its file."""
    mark = item.get_closest_marker("steps")
    way = mark.args[0] if mark else "traced"
    assert way in WAYS, way
    os.environ["_SKBSEQ_STEPS_IN_TESTS"] = way
    if "keras" in sys.modules:  # whose filters of tracebacks are a seventh of a tracing's time
        sys.modules["keras"].config.disable_traceback_filtering()
        sys.modules["tensorflow"].debugging.disable_traceback_filtering()
        if not _kept["frozen"]:
            # What is there now are libraries and collected tests, which need no further search.
            gc.freeze()
            _kept["frozen"] = True


def _memory():
    """Bytes that this process holds, where Linux tells them."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _give_memory_back():
    """A worker runs many files; otherwise it would keep every program until it ends."""
    program = sys.modules.get("skbseq._training._program")
    if program is None or not program._POOL:
        return
    program._POOL.clear()
    sys.modules["keras"].backend.clear_session(free_memory=False)  # it would collect too
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    _kept["bytes"] = _memory()
