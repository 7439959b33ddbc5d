"""Epochs over batches of like length, and prediction in bulk."""

import time
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from skbseq._sequences import aligned_copy
from skbseq._training._augment import augmented
from skbseq._training._batches import batch_plan, padding_share
from skbseq._training._compiled import FlatData, pad_rows, plan_array
from skbseq._training._devices import repeatable
from skbseq._training._rows import local_rows

# A call is not interrupted by Ctrl-C before it ends.
_SECONDS_PER_CALL = 0.3


def train(trainer, data, targets, sample_weight, validation, *, plan, callbacks, options, verbose):
    """Train for some epochs.

    Parameters
    ----------
    trainer : Trainer
        Started, the lock of its program held.
    data : Sequences of n_samples
    targets : ndarray of float32 of shape (n_samples,) or (n_samples, n_labels)
        Class numbers, or whatever the loss asks for.
    sample_weight : ndarray of float32 of shape (n_samples,)
    validation : tuple of (Sequences, ndarray, ndarray) or None
        Held-out data, targets and sample weights, for ``val_loss`` after each epoch.
    plan : dict
        ``epochs`` (number of the last epoch), ``initial_epoch``, ``batch_size``, ``rng``, and
        ``changes`` of the histories in training, with their own ``changes_rng``.
    callbacks : list of keras.callbacks.Callback
    options : dict of str to float or int
        ``l1``, ``l2``, ``dropout``, ``smoothing``, ``seed``, and ``begun``, the batches before.
    verbose : int
        0 for silence, 1 for a bar, 2 for a line per epoch.

    Returns
    -------
    history : dict of str to list of float
        Mean weighted ``loss``, and ``val_loss``, of each epoch.
    padding : float
        Share of the steps of the last epoch's batches that were padding.
    """
    watchers = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        model=trainer.model,
        epochs=plan["epochs"],
        steps=-(-len(data) // plan["batch_size"]),
        verbose=verbose,
    )
    histories = augmented(data, plan["changes"], plan["changes_rng"])
    trainer.model.stop_training = False
    logs = {}
    watchers.on_train_begin()
    with _epochs_of(trainer, (data, targets, sample_weight), plan, callbacks, options) as run:
        for epoch in range(plan["initial_epoch"], plan["epochs"]):
            watchers.on_epoch_begin(epoch)
            data = next(histories)
            run.replace(data)
            batches = batch_plan(data.lengths, plan["batch_size"], plan["rng"])
            padding = padding_share(data.lengths, batches)
            if verbose and epoch == plan["initial_epoch"]:
                _say(trainer.program, data, padding)
            losses = run.epoch(batches, watchers)
            sizes = [len(rows) for rows in batches]
            logs = {"loss": float(np.average(np.array(losses, np.float64), weights=sizes))}
            _check_finite(logs["loss"], epoch)
            # Where the optimizer averages weights, the average is what is judged and kept.
            unaveraged = trainer.average_weights()
            if validation is not None:
                with repeatable(trainer.program.device):  # it decides when to stop
                    logs["val_loss"] = trainer.held_out_loss(*validation)
                _check_finite(logs["val_loss"], epoch, "loss of the held-out samples")
            watchers.on_epoch_end(epoch, logs)
            if trainer.model.stop_training:
                break
            if unaveraged is not None and epoch + 1 < plan["epochs"]:
                trainer.model.set_weights(unaveraged)
    watchers.on_train_end(logs)
    return trainer.model.history.history, padding


@contextmanager
def _epochs_of(trainer, samples, plan, callbacks, options):
    """What runs an epoch: many batches per call, where the network's steps are written out."""
    if trainer.compiled is None:
        yield PlainEpochs(trainer, samples, options)
        return
    flat, size = FlatData(*samples), plan["batch_size"]
    with trainer.compiled.buffers(flat, size) as buffers:
        yield CompiledEpochs(
            trainer.compiled,
            (samples[0], flat, buffers),
            size,
            options,
            stepwise=_watch_batches(callbacks),
        )


def _say(program, data, padding):
    print(
        f"Training on {program.device} in {program.policy}: {len(data):,} samples, "
        f"{int(data.lengths.sum()):,} events, batches {padding:.1%} padding."
    )


class PlainEpochs:
    """Epochs batch by batch through the model's layers.

    Parameters
    ----------
    trainer : Trainer
    samples : tuple of (Sequences, ndarray, ndarray)
        Data, targets and sample weights.
    options : dict of str to float or int
    """

    def __init__(self, trainer, samples, options):
        self._trainer, self._samples, self._options = trainer, samples, options

    def replace(self, data):
        """Go on with other histories of the same samples."""
        self._samples = (data, *self._samples[1:])

    def epoch(self, batches, watchers):
        """Train on all batches; their losses."""
        losses = []
        for step, rows in enumerate(batches):
            watchers.on_train_batch_begin(step)
            losses.append(self._trainer.train_rows(self._samples, rows, self._options))
            watchers.on_train_batch_end(step, {"loss": losses[-1]})
        return losses


class CompiledEpochs:
    """Epochs of many batches per call.

    Parameters
    ----------
    compiled : CompiledTraining
    memory : tuple of (Sequences, FlatData, list of tf.Variable)
        Samples, the same on the device, and buffers for their batches.
    batch_size : int
    options : dict of str to float or int
    stepwise : bool
        Whether somebody wants to hear of every single batch.
    """

    def __init__(self, compiled, memory, batch_size, options, *, stepwise):
        self._compiled, self._options, self._stepwise = compiled, dict(options), stepwise
        self._data, self._flat, self._buffers = memory
        self._size = batch_size
        self._per_call = 1 if stepwise else 8
        self._widths = {}

    def replace(self, data):
        """Go on with other histories of the same samples, no longer, in as many events."""
        changed = {
            name: getattr(data, name)
            for name in ("codes", "numbers", "starts", "lengths")
            if getattr(data, name) is not getattr(self._data, name)
        }
        self._flat.replace(**changed)
        self._data = data

    def epoch(self, batches, watchers):
        """Train on all batches; their losses."""
        rows, counts = plan_array(batches, self._size, self._flat.filler)
        plan = tf.constant(rows), tf.constant(counts), self._touch(batches, len(rows))
        losses = []
        while len(losses) < len(batches):
            first = len(losses)
            last = min(first + self._per_call, len(batches))
            watchers.on_train_batch_begin(first)
            begin = time.perf_counter()
            found = self._compiled.run(self._flat, self._buffers, plan, first, last, self._options)
            losses += found.tolist()
            self._adapt(last - first, time.perf_counter() - begin)
            watchers.on_train_batch_end(last - 1, {"loss": losses[-1]})
        self._options["begun"] += len(batches)
        return losses

    def _touch(self, batches, n_batches):
        """For each large table the rows that each batch touches; codes become places in those."""
        touched, codes = {}, None
        for i, by_rows in self._compiled.by_rows.items():
            codes = aligned_copy(self._data.codes) if codes is None else codes
            least = self._widths.get(i, 0)
            column = self._data.codes[:, i]
            codes[:, i], rows = local_rows(column, self._data, batches, by_rows.n, least)
            self._widths[i] = rows.shape[1]
            touched[i] = tf.constant(pad_rows(rows, n_batches))
        if codes is not None:
            self._flat.replace(codes=codes)
        return touched

    def _adapt(self, n_batches, seconds):
        """As many batches as a call may take; the first call, which compiles, tells too few."""
        if not self._stepwise:
            fair = int(_SECONDS_PER_CALL * n_batches / max(seconds, 1e-6))
            self._per_call = int(np.clip(fair, 1, 64 * self._per_call))


def _watch_batches(callbacks):
    """Whether a callback has a method for single batches."""
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    plain = keras.callbacks.Callback
    return any(
        getattr(type(callback), name) is not getattr(plain, name)
        for callback in callbacks
        for name in names
    )


def _check_finite(loss, epoch, name="loss"):
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"The {name} became {loss} in epoch {epoch + 1}. Lower learning_rate, or set "
            "optimizer__clipnorm=1.0, and look at the scale of the numeric channels."
        )
