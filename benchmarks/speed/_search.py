"""A grid search: 12 candidates in five folds, by accuracy, without the final refit.

All take the same folds, batches and epochs. The sequences are of one length, so that scikeras
needs no mask, which is its faster way.
"""

from functools import partial

from benchmarks.speed import _data
from benchmarks.speed._matmul import matmul
from benchmarks.speed._runs import Check, Question

_RATES, _DROPOUTS, _PENALTIES = [0.001, 0.003, 0.01], [0.0, 0.3], [0.0, 1e-4]
VALUES = {"learning_rate": _RATES, "dropout": _DROPOUTS, "l2": _PENALTIES}
UNITS = {"learning_rate": _RATES[:2], "dropout": _DROPOUTS, "units": [16, 32, 64]}
_SCIKERAS = {
    "learning_rate": "optimizer__learning_rate",
    "dropout": "model__dropout",
    "l2": "model__l2",
    "units": "model__units",
}
_SKORCH = {
    "learning_rate": "lr",
    "dropout": "module__dropout",
    "l2": "optimizer__weight_decay",
    "units": "module__units",
}


def _make_data(size):
    return _data.random_sequences(size["n"])


def _search(model, X, y, grid, names, size):
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    grid = {names.get(name, name): values[: size["values"]] for name, values in grid.items()}
    search = GridSearchCV(
        model,
        grid,
        scoring="accuracy",
        cv=StratifiedKFold(size["folds"]),
        refit=False,
        error_score="raise",
    )

    def run():
        search.fit(X, y)

    return run


def _skbseq(size, grid):
    from benchmarks.speed import _ours

    data = _make_data(size)
    model = _ours.classifier(epochs=size["epochs"], batch_size=32)
    # No warm-up: a search is asked once, and what it compiles is part of it.
    return _search(model, _ours.frame(data), data.labels, grid, {}, size)


def _scikeras(size, grid):
    from benchmarks.speed import _keras_peers

    data = _make_data(size)
    model = _keras_peers.scikeras_classifier(data.n_codes, epochs=size["epochs"], batch_size=32)
    return _search(model, _data.padded(data), data.labels, grid, _SCIKERAS, size)


def _skorch(size, grid):
    import numpy as np

    from benchmarks.speed import _torch_peers

    data = _make_data(size)
    model = _torch_peers.skorch_classifier(data.n_codes, epochs=size["epochs"], batch_size=32)
    X, y = _data.padded(data).astype(np.int64), data.labels.astype(np.float32)
    return _search(model, X, y, grid, _SKORCH, size)


def _flops(size, grid):
    per_fit = size["n"] * 20 / size["folds"]
    total = 0
    for units in grid.get("units", [32])[: size["values"]]:
        total += _data.flops(per_fit * (size["folds"] - 1) * size["epochs"], units, training=True)
        total += _data.flops(per_fit, units, training=False)
    others = [values[: size["values"]] for name, values in grid.items() if name != "units"]
    for values in others:
        total *= len(values)
    return total * size["folds"]


def _question(title, grid):
    cases = {
        "skbseq": partial(_skbseq, grid=grid),
        "scikeras": partial(_scikeras, grid=grid),
        "skorch": partial(_skorch, grid=grid),
    }
    return Question(
        title=title,
        cases=cases | {"matmul": matmul},
        checks=[
            Check(
                "times as fast as scikeras",
                ("skbseq", "scikeras"),
                lambda f: f["scikeras"] / f["skbseq"],
                6,
                10,
            ),
            Check(
                "times as fast as skorch",
                ("skbseq", "skorch"),
                lambda f: f["skorch"] / f["skbseq"],
                1,
                1.5,
            ),
        ],
        full={"n": 2_000, "epochs": 3, "folds": 5, "values": None},
        quick={"n": 200, "epochs": 1, "folds": 2, "values": 1},
        rounds=3,
        flops=dict.fromkeys(cases, partial(_flops, grid=grid)),
    )


QUESTIONS = {
    "grid": _question("GridSearchCV, 12 candidates of values, 5 folds, 2,000 x 20", VALUES),
    "grid_units": _question("GridSearchCV, 12 candidates, units too, 5 folds, 2,000 x 20", UNITS),
}
