"""A service from its start: how long until the first answer, and how much memory it holds.

Each figure comes from a process of its own, which loads a saved pipeline (``SequenceEncoder`` and
an LSTM of 32 units, 1,000 products) and predicts one row of 20 events at a time. Seconds are
counted from the start of the process. What a later answer takes is the question "one_row".
"""

import json
import pickle
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.speed import _data
from benchmarks.speed._runs import Question

_SERVICE = """
import json, pickle, sys, time
from pathlib import Path
begin, folder = float(sys.argv[1]), Path(sys.argv[2])
import psutil
from skbseq import load
process, figures = psutil.Process(), {}
def note(name):
    figures[name + ", s"] = time.time() - begin
    figures[name + ", MB"] = process.memory_info().rss / 1e6
model = load(folder / "model.skbseq")
rows = pickle.loads((folder / "rows.pickle").read_bytes())
note("loaded")
model.predict_proba(rows[:1])
note("first answer")
for i in range(1, len(rows)):
    model.predict_proba(rows[i : i + 1])
note("later answers")
print(json.dumps(figures))
"""


def _service(size, figure):
    from sklearn.pipeline import make_pipeline

    from benchmarks.speed import _ours
    from skbseq import SequenceEncoder, save

    data = _data.random_sequences(size["n"], vocabulary=1_000)
    X = _ours.text_frame(data)
    model = make_pipeline(SequenceEncoder(), _ours.classifier(units=32, epochs=1))
    folder = tempfile.TemporaryDirectory()
    save(model.fit(X, data.labels), Path(folder.name) / "model.skbseq")
    rows = pickle.dumps(X.iloc[: size["rows"]])
    (Path(folder.name) / "rows.pickle").write_bytes(rows)

    def run():
        command = [sys.executable, "-W", "ignore", "-c", _SERVICE, str(time.time()), folder.name]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(answer.stdout)[figure]

    return run


_SIZES = {"full": {"n": 2_000, "rows": 500}, "quick": {"n": 400, "rows": 20}, "rounds": 3}

QUESTIONS = {
    "cold_start": Question(
        title="Seconds from the start of a process that loads a model and predicts single rows",
        cases={
            "model loaded": partial(_service, figure="loaded, s"),
            "first answer": partial(_service, figure="first answer, s"),
        },
        checks=[],
        **_SIZES,
    ),
    "service_memory": Question(
        title="Memory of the same process",
        cases={
            "model loaded": partial(_service, figure="loaded, MB"),
            "after the first answer": partial(_service, figure="first answer, MB"),
            "after 500 answers": partial(_service, figure="later answers, MB"),
        },
        checks=[],
        unit="MB",
        **_SIZES,
    ),
}
