"""Where to compute."""

import tensorflow as tf


def choose_device(device):
    """Name of the TensorFlow device for "auto", "cpu", "gpu" or a name such as "/GPU:1".

    On GPUs memory growth is switched on before their first use, so that other processes keep
    their share.

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
    if name == "gpu":
        name = "/GPU:0"
    known = [f"/{d.device_type}:{i}" for kind in ("CPU", "GPU") for i, d in _numbered(kind)]
    if name.upper() not in known:
        raise ValueError(
            f"device={device!r} is not there; TensorFlow sees {', '.join(known)}. "
            "Use device='auto' to take what there is."
        )
    return name.upper()


def _numbered(kind):
    return enumerate(tf.config.list_logical_devices(kind))
