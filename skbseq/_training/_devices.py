"""Devices and floating-point precision."""

import threading
from contextlib import contextmanager, nullcontext, suppress
from functools import cache

import tensorflow as tf

# Private: the public API can switch determinism on, but neither read nor switch it off.
from tensorflow.python.framework import config as _switches

from skbseq._optional import quiet_unless_asked

# The tensor cores of these GPU generations multiply float16 but not float32. Later ones multiply
# both, and half precision is not faster there (H200: steps of an LSTM with 128 to 1,024 units
# took 2 to 29% longer). Matrix sides must be multiples of eight. The minimum size is a guess,
# because no GPU of these generations was available; on small matrices, casting costs more than it
# saves.
_HALF_ALONE, _WORTH_WHILE = ((7, 0), (8, 0)), 512


def choose_device(device):
    """Name of the TensorFlow device for "auto", "cpu", "gpu" or a name such as "/GPU:1".

    Memory growth is enabled before a GPU is first used, so that other processes can use the rest
    of its memory.

    Parameters
    ----------
    device : str
        "auto" and "gpu" use all available GPUs. Separate several names by commas.

    Returns
    -------
    str
        One name, or several separated by commas.

    Raises
    ------
    ValueError
        If a device is not available or is named twice.
    """
    _start_quietly()
    gpus = tf.config.list_physical_devices("GPU")
    name = {"auto": "gpu" if gpus else "cpu"}.get(device, device)
    if name == "cpu":
        return "/CPU:0"
    known = [f"/{d.device_type}:{i}" for kind in ("CPU", "GPU") for i, d in _numbered(kind)]
    if name == "gpu":
        name = ",".join(n for n in known if n.startswith("/GPU")) or "/GPU:0"
    names = [part.strip().upper() for part in name.split(",")]
    for part in names:
        if part not in known:
            raise ValueError(
                f"device={device!r} is not available; TensorFlow sees {', '.join(known)}. "
                "Use device='auto' to use what is available."
            )
    if len(set(names)) < len(names):
        raise ValueError(f"device={device!r} names a device twice.")
    return ",".join(names)


@cache
def _start_quietly():
    """Have TensorFlow and XLA log what they log once per process while it is not shown.

    A compiled sigmoid does all of it, in 0.2 s. It comes after the setting of memory growth,
    which cannot change later.
    """
    with quiet_unless_asked() as hidden:
        for gpu in tf.config.list_physical_devices("GPU"):
            with suppress(RuntimeError):  # the GPU is in use; its setting can no longer change
                tf.config.experimental.set_memory_growth(gpu, True)
        if hidden:
            with tf.device("/CPU:0"):
                tf.function(tf.sigmoid, jit_compile=True, autograph=False)(tf.zeros(()))


def _numbered(kind):
    return enumerate(tf.config.list_logical_devices(kind))


def choose_precision(precision, device, units):
    """Keras' dtype policy for "auto"; another precision is returned unchanged.

    Half precision if all devices are GPUs whose tensor cores need it, and the matrices are large
    enough to benefit; float32 otherwise.
    """
    if precision != "auto":
        return precision
    on_gpus = all(name.startswith("/GPU") for name in device.split(","))
    if not on_gpus or units < _WORTH_WHILE or units % 8:
        return "float32"
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    first, behind = _HALF_ALONE
    able = all(first <= d.get("compute_capability", (0, 0)) < behind for d in details)
    return "mixed_float16" if able else "float32"


@cache
def mirrored(device):
    """The strategy that trains on several devices at once; None for a single device."""
    names = device.split(",")
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else None


@contextmanager
def placed(device):
    """Context that creates variables on a device, or on each of several."""
    strategy = mirrored(device)
    with tf.device(device) if strategy is None else strategy.scope():
        yield


@contextmanager
def training_on(device):
    """Context for a training step on one or several devices, with repeatable results."""
    # The strategy for several devices places its own operations.
    with nullcontext() if "," in device else tf.device(device), repeatable(device):
        yield


class _Repeatable:
    """TensorFlow's switch for deterministic operations, on while at least one step runs.

    TensorFlow has one switch per process. While it is on, TensorFlow refuses to draw random
    numbers without a seed, also in the user's own code. So it is on only while a step of some
    thread runs on a GPU, and is then restored.
    """

    def __init__(self):
        self._lock, self._users, self._was = threading.Lock(), 0, False

    def __enter__(self):
        with self._lock:
            if not self._users:
                self._was = _switches.is_op_determinism_enabled()
                tf.config.experimental.enable_op_determinism()
            self._users += 1

    def __exit__(self, *_):
        with self._lock:
            self._users -= 1
            if not self._users and not self._was:
                _switches.disable_op_determinism()


_REPEATABLE = _Repeatable()


def repeatable(device):
    """Context for deterministic sums and convolutions on a GPU; a CPU is deterministic anyway.

    A GPU otherwise adds numbers in varying order. The probabilities of two fits with the same
    seed differed by 2e-5 (LSTM) to 0.08 (CNN).
    """
    return _REPEATABLE if "/GPU" in device else nullcontext()
