"""Forked processes: TensorFlow's threads do not survive a fork, so its work there never ends."""

import os
import sys

__all__ = ["check_process", "claim_process"]

_owner = None  # id of the process in which TensorFlow has run


def claim_process():
    """Note that TensorFlow runs in this process.

    Raises
    ------
    RuntimeError
        If this process was forked from one in which TensorFlow had run.
    """
    global _owner
    check_process()
    _owner = os.getpid()


def check_process():
    """Raise a `RuntimeError` if this process was forked after TensorFlow had run."""
    if _owner is not None and _owner != os.getpid():
        raise RuntimeError(
            f"A network cannot be fitted or applied in this process: it was forked from process "
            f"{_owner} after TensorFlow had run there, and would wait forever for threads that "
            "were not copied. Start processes with multiprocessing.get_context('spawn') or "
            "'forkserver', or with joblib, whose backend 'loky' starts fresh ones; or fork before "
            "the first fit or prediction."
        )


def _note_use_by_others():
    """Before a fork: whether the user's own code has run TensorFlow.

    Importing TensorFlow does no harm; what counts is that its threads have been started.
    """
    global _owner
    contexts = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(contexts, "_context", None)
    if _owner is None and getattr(context, "_initialized", False):
        _owner = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_note_use_by_others)
