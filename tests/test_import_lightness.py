"""`import skbseq` stays light: heavy libraries are loaded when the first estimator is fitted.

Each test runs in an interpreter of its own, because this one has loaded everything already.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = ("keras", "matplotlib", "polars", "scikeras", "tensorflow", "torch")
# Each step runs after those before it, in one process.
STEPS = {
    "import": "import skbseq",
    "table of networks": """
import skbseq.networks
assert "lstm" in skbseq.networks.NETWORKS
""",
    "construct and clone": """
from sklearn.base import clone
from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder
clone(LSTMBehaviorClassifier(units=8, random_state=0))
clone(SequenceEncoder())
""",
    "every public name": """
for name in skbseq.__all__:
    getattr(skbseq, name)
import skbseq.persistence
""",
    "a heavy import, which must be seen": "import matplotlib",
}
LOADED_BY_EACH = f"""
import json, sys
# -P, and the root put first by hand: the code under test is this tree's.
sys.path.insert(0, {str(ROOT)!r})
loaded = {{}}
for step, code in {STEPS!r}.items():
    exec(code)
    loaded[step] = [m for m in {HEAVY!r} if m in sys.modules]
print(json.dumps(loaded))
"""


def test_nothing_heavy_is_loaded():
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOADED_BY_EACH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *light, heavy = STEPS
    expected = {step: [] for step in light} | {heavy: ["matplotlib"]}
    assert json.loads(done.stdout.splitlines()[-1]) == expected


FIRST_PREDICTIONS = """
import gc, os, sys
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
assert gc.isenabled()
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
