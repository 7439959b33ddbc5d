"""`import skbseq` stays light: heavy libraries are loaded when the first estimator is fitted.

Each test runs in an interpreter of its own, because this one has loaded everything already.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("keras", "matplotlib", "polars", "scikeras", "tensorflow", "torch")
CONSTRUCT = """
from sklearn.base import clone
from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder
clone(LSTMBehaviorClassifier(units=8, random_state=0))
clone(SequenceEncoder())
"""
EVERY_PUBLIC_NAME = """
import skbseq
for name in skbseq.__all__:
    getattr(skbseq, name)
import skbseq.persistence
"""


def loaded_by(code):
    """Which of the heavy libraries stand in `sys.modules` after this code."""
    report = f"\nimport json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    # -P, and the root put first by hand: the code under test is this tree's.
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}{report}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import skbseq", id="import"),
        pytest.param(CONSTRUCT, id="construct-and-clone"),
        pytest.param(EVERY_PUBLIC_NAME, id="every-public-name"),
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert loaded_by(code) == []


def test_a_heavy_import_would_be_seen():
    assert loaded_by("import matplotlib") == ["matplotlib"]


FIRST_PREDICTIONS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from skbseq.estimators._sequence_model import engine
before, barrier = os.fstat(2), Barrier(4)
def load(_):
    barrier.wait()
    engine()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(load, range(4)))
after = os.fstat(2)
assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)
print("still here", file=sys.stderr)
"""


def test_standard_error_survives_threads_that_load_tensorflow_at_once(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PREDICTIONS],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("still here\n")
