"""Where to compute, and how precisely."""

from contextlib import contextmanager
from functools import cache

import tensorflow as tf

# Tensor cores, from this generation on, multiply matrices of float16 whose sides are multiples of
# eight; on small ones the casts cost more than is won.
_TENSOR_CORES, _WORTH_WHILE = (7, 0), 128


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

    Half precision where all devices are GPUs with tensor cores and the matrices are large
    enough to gain by them; float32 elsewhere.
    """
    if precision != "auto":
        return precision
    on_gpus = all(name.startswith("/GPU") for name in device.split(","))
    if not on_gpus or units < _WORTH_WHILE or units % 8:
        return "float32"
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    able = all(d.get("compute_capability", (0, 0)) >= _TENSOR_CORES for d in details)
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
