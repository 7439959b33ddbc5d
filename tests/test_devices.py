"""Where networks are trained: one device, several, and what is told of it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skbseq import LSTMBehaviorClassifier

ROOT = Path(__file__).parents[1]
# Devices of a process are set before its first tensor, so this is one of its own.
SEVERAL = """
import os
import numpy as np
import pandas as pd
import tensorflow as tf
from skbseq import BagBehaviorClassifier, LSTMBehaviorClassifier, RNNBehaviorClassifier
from skbseq._training import borrow_program
from skbseq.networks import NetworkSpec
from skbseq.networks._graph import build_network

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
# Of one length, because each shape of a step is traced.
X = pd.DataFrame({"what": [rng.integers(2, 9, 3).tolist() for _ in range(30)]})
y = rng.integers(0, 2, 30)


def fit(device, kind=BagBehaviorClassifier, **parameters):
    parameters = {"batch_size": 9, "epochs": 2} | parameters
    return kind(units=4, device=device, random_state=0, **parameters).fit(X, y)


penalised = {"l1": 0.01, "l2": 0.01, "label_smoothing": 0.2}
for parameters in (penalised, {"batch_size": 1, "epochs": 1, "optimizer": "sgd"}):
    one, two = fit("/CPU:1", **parameters), fit("/CPU:0,/CPU:1", **parameters)
    assert two.device_ == "/CPU:0,/CPU:1", two.device_
    for a, b in zip(one.weights_, two.weights_, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
    np.testing.assert_allclose(one.history_["loss"], two.history_["loss"], rtol=1e-4)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-5)
one.partial_fit(X, y)
two.partial_fit(X, y)
np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-5)

# Compiled steps also run where they are asked to; left alone, TensorFlow takes the first device.
os.environ["_SKBSEQ_STEPS_IN_TESTS"] = "eager"
first = fit("/CPU:0", LSTMBehaviorClassifier)
os.environ["_SKBSEQ_STEPS_IN_TESTS"] = "compiled"
second = fit("/CPU:1", LSTMBehaviorClassifier)
for a, b in zip(first.weights_, second.weights_, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5)
for rows in (X[:1], X):
    np.testing.assert_allclose(first.predict_proba(rows), second.predict_proba(rows), atol=1e-5)
os.environ["_SKBSEQ_STEPS_IN_TESTS"] = "eager"

# A program is built on its device, also the private one that a callback gets.
spec = NetworkSpec((4,), (2,), 0, 0, 1, 3, 1, False, 0.0, 0.0, "last", "float32")
for training in False, True:
    with borrow_program(spec, "/CPU:1", build_network) as program:
        devices = {w.value.device for w in program.model.weights}
        assert all(device.endswith("CPU:1") for device in devices), devices
        program.training = True

# As on GPUs, where steps run under a switch.
from tensorflow.python.framework import config
from skbseq._training import _devices, _trainer

on, parts = [], _trainer.MirroredTrainer._train_parts


def watched(self, *arguments):
    on.append(config.is_op_determinism_enabled())
    return parts(self, *arguments)


_devices.repeatable = lambda device: _devices._REPEATABLE
_trainer.MirroredTrainer._train_parts = watched
noise = {"dropout": 0.3, "recurrent_dropout": 0.2, "epochs": 1}
noisy = [fit("/CPU:0,/CPU:1", RNNBehaviorClassifier, **noise).weights_ for _ in range(2)]
for a, b in zip(*noisy, strict=True):
    np.testing.assert_array_equal(a, b)
assert on and all(on), on
"""


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"what": [rng.integers(2, 9, n).tolist() for n in (3, 3, 3, 1) * 10]})


@pytest.fixture
def y():
    return np.tile([0, 1], 20)


def test_several_devices_learn_what_one_does():
    subprocess.run([sys.executable, "-c", SEVERAL], check=True, cwd=ROOT)


@pytest.mark.parametrize("device", ["/CPU:0,/CPU:9", "/GPU:0", "gpu", "nowhere"])
def test_a_device_that_is_not_there_is_refused(X, y, device):
    with pytest.raises(ValueError, match="is not available; TensorFlow sees /CPU:0"):
        LSTMBehaviorClassifier(device=device).fit(X, y)


def test_a_device_named_twice_is_refused(X, y):
    with pytest.raises(ValueError, match="names a device twice"):
        LSTMBehaviorClassifier(device="/CPU:0,/cpu:0").fit(X, y)


def test_device_and_padding_are_told(X, y, capsys):
    model = LSTMBehaviorClassifier(
        units=2, epochs=1, batch_size=40, validation_split=0, verbose=2, random_state=0
    ).fit(X, y)
    # One batch of 40 samples, 3 steps long, with 10 times 2 steps of padding.
    assert model.padding_ == pytest.approx(20 / 120)
    told = "Training on /CPU:0 in float32: 40 samples, 100 events, batches 16.7% padding."
    assert told in capsys.readouterr().out


def test_silence_tells_nothing(X, y, capsys):
    LSTMBehaviorClassifier(units=2, epochs=1, random_state=0).fit(X, y)
    assert capsys.readouterr().out == ""


def test_half_precision_waits_for_a_gpu_that_gains(monkeypatch):
    import tensorflow as tf

    from skbseq._training import choose_precision

    assert choose_precision("auto", "/CPU:0", 256) == "float32"
    assert choose_precision("mixed_bfloat16", "/CPU:0", 8) == "mixed_bfloat16"
    details = {"compute_capability": (7, 5)}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    assert choose_precision("auto", "/GPU:0", 512) == "mixed_float16"
    assert choose_precision("auto", "/GPU:0,/GPU:1", 1024) == "mixed_float16"
    assert choose_precision("auto", "/GPU:0", 128) == "float32"
    assert choose_precision("auto", "/GPU:0", 514) == "float32"
    for capability in ((6, 1), (8, 0), (9, 0)):  # without tensor cores; with those of float32
        details["compute_capability"] = capability
        assert choose_precision("auto", "/GPU:0", 512) == "float32"


def test_the_switch_is_on_while_a_gpu_needs_it_and_then_as_it_was():
    from tensorflow.python.framework import config

    from skbseq._training._devices import repeatable

    def is_on():
        return config.is_op_determinism_enabled()

    with repeatable("/CPU:0"):
        assert not is_on()
    with repeatable("/GPU:0,/GPU:1"):
        with repeatable("/GPU:0"), ThreadPoolExecutor(1) as another:
            assert another.submit(is_on).result()
        assert is_on()
    assert not is_on()
    with pytest.raises(KeyError), repeatable("/GPU:0"):
        raise KeyError
    assert not is_on()
    config.enable_op_determinism()
    try:
        with repeatable("/GPU:0"):
            assert is_on()
        assert is_on()
    finally:
        config.disable_op_determinism()


@pytest.mark.parametrize("kind", ["samples", "events", "pairs"])
def test_every_way_of_training_runs_its_steps_under_the_switch(X, y, monkeypatch, kind):
    from tensorflow.python.framework import config

    from skbseq import BehaviorEmbedder, GRUBehaviorClassifier, NextBehaviorPredictor
    from skbseq._training import _devices, _loop
    from skbseq._training._contrast import ContrastTrainer
    from skbseq._training._events import EventTrainer
    from skbseq._training._trainer import Trainer

    # As on a GPU. Random numbers drawn without a seed are an error then.
    for module in (_devices, _loop):
        monkeypatch.setattr(module, "repeatable", lambda device: _devices._REPEATABLE)
    on = {"_apply": [], "held_out_loss": []}

    def watched(name, method):
        def watch(self, *arguments):
            on[name].append(config.is_op_determinism_enabled())
            return method(self, *arguments)

        return watch

    for trainer in (Trainer, EventTrainer, ContrastTrainer):
        for name in on.keys() & vars(trainer).keys():
            monkeypatch.setattr(trainer, name, watched(name, vars(trainer)[name]))
    options = {"units": 3, "epochs": 1, "validation_split": 0.3, "random_state": 0}
    if kind == "samples":
        noise = {"dropout": 0.2, "recurrent_dropout": 0.2}
        GRUBehaviorClassifier(**noise, **options).fit(X, y)
    elif kind == "events":
        NextBehaviorPredictor(**options).fit(X)
    else:
        BehaviorEmbedder(objective="contrastive", **options).fit(X)
    assert on == {"_apply": [True], "held_out_loss": [True]}
    assert not config.is_op_determinism_enabled()


@pytest.mark.parametrize(("device", "sparse"), [("/CPU:0", True), ("/GPU:0,/GPU:1", False)])
def test_large_tables_use_sparse_adam_only_on_a_cpu(device, sparse):
    import keras

    from skbseq._training._trainer import Trainer

    table, adam = keras.Variable(np.zeros((9_000, 2), np.float32)), keras.optimizers.Adam()
    adam.build([table])
    trainer = SimpleNamespace(
        optimizer=adam,
        program=SimpleNamespace(device=device),
        model=SimpleNamespace(trainable_variables=[table]),
    )
    assert list(Trainer._large_tables(trainer)) == [table.path] * sparse


def test_a_traced_step_gives_what_the_function_gives_with_or_without_the_short_way():
    import tensorflow as tf

    from skbseq._training._traced import TracedStep, without_matching

    offset = tf.Variable(1.0)

    def step(batch, scale):
        return tf.reduce_sum(batch["a"], 1) * scale + tf.cast(batch["b"], tf.float32) + offset

    specs = {"b": tf.TensorSpec((None,), tf.int32), "a": tf.TensorSpec((None, None), tf.float32)}
    signature = [specs, tf.TensorSpec((), tf.float32)]
    traced = tf.function(step, input_signature=signature).get_concrete_function()
    assert hasattr(traced.inference_fn, "call_flat")  # or this TensorFlow lacks it, and is slower

    class WithoutShortWay:
        structured_input_signature = traced.structured_input_signature
        __call__ = staticmethod(traced)

    ways = TracedStep(step, signature), without_matching(WithoutShortWay())
    rng = np.random.default_rng(0)
    for n, m in ((3, 2), (1, 5)):
        batch = {"a": rng.normal(size=(n, m)).astype(np.float32), "b": np.arange(n, dtype="i4")}
        expected = batch["a"].sum(1) * np.float32(2) + batch["b"] + 1
        short = ways[0](batch, np.float32(2))
        slow = ways[1](tf.constant(batch["a"]), tf.constant(batch["b"]), tf.constant(2.0))
        np.testing.assert_allclose([short.numpy(), slow.numpy()], [expected] * 2, rtol=1e-5)


def test_a_device_without_memory_is_explained(X, y, monkeypatch):
    import tensorflow as tf

    from skbseq.estimators import _keras

    def fail(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    monkeypatch.setattr(_keras, "train", fail)
    with pytest.raises(MemoryError, match="smaller batch_size, shorter histories"):
        LSTMBehaviorClassifier(units=2, epochs=1).fit(X, y)
