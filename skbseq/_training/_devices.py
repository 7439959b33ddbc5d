"""Where to compute, and how precisely."""

import threading
from contextlib import contextmanager, nullcontext
from functools import cache

import tensorflow as tf

# Not public: only switching it on is.
from tensorflow.python.framework import config as _switches

# The tensor cores of these generations multiply float16 and not float32. Later ones take both, and
# there half precision won nothing (H200: an LSTM's steps took 2 to 29% more with 128 to 1,024
# units). Sides are to be multiples of eight; the least size is a guess, for none of these
# generations was at hand: on small matrices the casts cost more than is won.
_HALF_ALONE, _WORTH_WHILE = ((7, 0), (8, 0)), 512


def choose_device(device):
    """Name of the TensorFlow device for "auto", "cpu", "gpu" or a name such as "/GPU:1".

    On GPUs memory growth is switched on before their first use, so that other processes keep
    their share.

    Parameters
    ----------
    device : str
        "auto" and "gpu" take all GPUs there are. Several names are joined by commas.

    Returns
    -------
    str
        One name, or several joined by commas.

    Raises
    ------
    ValueError
        If a GPU is asked for and there is none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # the GPU is in use already, with the setting it was started with
            pass
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
                f"device={device!r} is not there; TensorFlow sees {', '.join(known)}. "
                "Use device='auto' to take what there is."
            )
    if len(set(names)) < len(names):
        raise ValueError(f"device={device!r} names a device twice.")
    return ",".join(names)


def _numbered(kind):
    return enumerate(tf.config.list_logical_devices(kind))


def choose_precision(precision, device, units):
    """Keras' dtype policy for "auto", or the policy asked for.

    Half precision where all devices are GPUs whose tensor cores need it and the matrices are
    large enough to gain by them; float32 elsewhere.
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
    """The strategy that trains on several devices at once; None for one alone."""
    names = device.split(",")
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else None


@contextmanager
def placed(device):
    """What is made here is made on a device, or on each of several."""
    strategy = mirrored(device)
    with tf.device(device) if strategy is None else strategy.scope():
        yield


@contextmanager
def training_on(device):
    """A step of training runs here on a device, or on several, the same each time."""
    # A strategy of several places its parts itself.
    with nullcontext() if "," in device else tf.device(device), repeatable(device):
        yield


class _Repeatable:
    """TensorFlow's switch for operations that give the same figures each time.

    It is the process's, and there is no other: while it is on, TensorFlow refuses to draw random
    numbers without a seed. So it is on for as long as a step of any thread runs on a GPU, and
    then as it was.
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
    """On a GPU, sums and convolutions that come out the same each time; on a CPU they do anyway.

    Otherwise a GPU adds up in any order: two fits with the same seed differed by 2e-5 (LSTM) to
    0.08 (CNN) in their probabilities.
    """
    return _REPEATABLE if "/GPU" in device else nullcontext()
