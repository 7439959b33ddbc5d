"""Memory of networks that are no longer used."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest

from skbseq import BagBehaviorClassifier


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_training_step_is_released_with_its_program(precision, monkeypatch):
    from skbseq._training import _program

    pool = type(_program._POOL)()
    monkeypatch.setattr(_program, "_POOL", pool)
    X = pd.DataFrame({"what": [[1, 2], [2], [1], [2, 2]]})
    model = BagBehaviorClassifier(
        units=2, epochs=1, random_state=0, device="/CPU:0", precision=precision
    )
    model.fit(X, np.array([0, 1, 0, 1]))
    (program,) = pool.values()
    (trainer,) = program._trainers.values()
    graph = weakref.ref(trainer._train._traced.get_concrete_function().graph)
    assert graph() is not None
    pool.clear()
    del program, trainer
    gc.collect()
    assert graph() is None
