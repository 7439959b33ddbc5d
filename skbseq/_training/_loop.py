"""The training loop: epochs over batches of samples of similar length."""

import time
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from skbseq._sequences import aligned_copy
from skbseq._training._augment import augmented
from skbseq._training._averaging import WeightAverage
from skbseq._training._batches import batch_plan, padding_share
from skbseq._training._compiled import FlatData, pad_rows, plan_array
from skbseq._training._devices import repeatable
from skbseq._training._sparse_adam import local_rows

# Ctrl-C takes effect only after a call, so calls are kept short.
_SECONDS_PER_CALL = 0.3


def train(trainer, data, targets, sample_weight, validation, *, plan, callbacks, options, verbose):
    """Train for some epochs.

    Parameters
    ----------
    trainer : Trainer
        Already started; the caller holds the lock of its program.
    data : Sequences of n_samples
    targets : ndarray of float32 of shape (n_samples,) or (n_samples, n_labels)
        Class numbers, or other targets that the loss expects.
    sample_weight : ndarray of float32 of shape (n_samples,)
    validation : tuple of (Sequences, ndarray, ndarray) or None
        Held-out data, targets and sample weights, for ``val_loss`` after each epoch.
    plan : dict
        ``epochs`` (number of the last epoch), ``initial_epoch``, ``batch_size``, ``rng``, and
        ``augmentation`` (an `AugmentationPlan`) with its own ``augmentation_rng``, and
        ``averaging``, whether weights are averaged, unless the optimizer does it.
    callbacks : list of keras.callbacks.Callback
    options : dict of str to float or int
        ``l1``, ``l2``, ``dropout``, ``smoothing``, ``seed``, and ``begun``, the number of batches
        run by earlier fits.
    verbose : int
        0: silent, 1: progress bar, 2: one line per epoch.

    Returns
    -------
    history : dict of str to list of float
        Mean weighted ``loss`` and ``val_loss`` of each epoch.
    padding : float
        Share of padding among the steps of the last epoch's batches.
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
    histories = augmented(data, plan["augmentation"], plan["augmentation_rng"])
    averaging = plan["averaging"] and not trainer.optimizer_averages
    average = None
    if averaging:
        tables, n = trainer.averages_tables, trainer.n_accumulated
        average = WeightAverage(trainer.model, large=tables, n_accumulated=n)
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
                _print_summary(trainer.program, data, padding)
            losses = run.epoch(batches, watchers, average)
            trainer.end_epoch()
            if average is not None:  # after the step that the end of an epoch may have brought
                average.update()
            # A batch's loss is the mean over its rows, and the last batch may be smaller.
            sizes = [len(rows) for rows in batches]
            logs = {"loss": float(np.average(np.array(losses, np.float64), weights=sizes))}
            _check_finite(logs["loss"], epoch)
            # If weights are averaged, the averaged ones are validated and kept.
            unaveraged = trainer.average_weights() if average is None else average.load()
            if validation is not None:
                # This loss decides when to stop, so the same seed must give the same loss.
                with repeatable(trainer.program.device):
                    logs |= trainer.held_out_metrics(validation)
                _check_finite(logs["val_loss"], epoch, "loss of the held-out samples")
            watchers.on_epoch_end(epoch, logs)
            if trainer.model.stop_training:
                break
            # Training continues from the weights that were not averaged.
            if unaveraged is not None and epoch + 1 < plan["epochs"]:
                trainer.model.set_weights(unaveraged)
    watchers.on_train_end(logs)
    return trainer.model.history.history, padding


@contextmanager
def _epochs_of(trainer, samples, plan, callbacks, options):
    """The object that runs epochs: many batches per call if the network is fused."""
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


def _print_summary(program, data, padding):
    print(
        f"Training on {program.device} in {program.policy}: {len(data):,} samples, "
        f"{int(data.lengths.sum()):,} events, batches {padding:.1%} padding."
    )


class PlainEpochs:
    """Epochs of one call per batch, through the model's Keras layers.

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
        """Continue with other histories of the same samples."""
        self._samples = (data, *self._samples[1:])

    def epoch(self, batches, watchers, average=None):
        """Train on all batches; returns their losses."""
        losses, n = [], len(batches)
        due = n if average is None else average.next_update(0, n)
        for step, rows in enumerate(batches):
            watchers.on_train_batch_begin(step)
            losses.append(self._trainer.train_rows(self._samples, rows, self._options))
            if step + 1 == due < n:
                average.update()
                due = average.next_update(due, n)
            watchers.on_train_batch_end(step, {"loss": losses[-1]})
        return losses


class CompiledEpochs:
    """Epochs of many batches per call.

    Parameters
    ----------
    compiled : CompiledTraining
    memory : tuple of (Sequences, FlatData, list of tf.Variable)
        The samples, the same samples on the device, and buffers for their batches.
    batch_size : int
    options : dict of str to float or int
    stepwise : bool
        Whether a callback watches every single batch.
    """

    def __init__(self, compiled, memory, batch_size, options, *, stepwise):
        self._compiled, self._options, self._stepwise = compiled, dict(options), stepwise
        self._data, self._flat, self._buffers = memory
        self._size = batch_size
        self._per_call = 1 if stepwise else 8
        self._widths = {}

    def replace(self, data):
        """Continue with other histories of the same samples, none longer than before.

        The event arrays must keep their length.
        """
        # Augmentation shares the arrays that it does not change; only others are copied.
        changed = {
            name: getattr(data, name)
            for name in ("codes", "numbers", "starts", "lengths")
            if getattr(data, name) is not getattr(self._data, name)
        }
        self._flat.replace(**changed)
        self._data = data

    def epoch(self, batches, watchers, average=None):
        """Train on all batches; returns their losses."""
        rows, counts = plan_array(batches, self._size, self._flat.filler)
        plan = tf.constant(rows), tf.constant(counts), self._localise(batches, len(rows))
        losses, n = [], len(batches)
        while len(losses) < n:
            first = len(losses)
            # A call ends where the average takes the weights in.
            due = n if average is None else average.next_update(first, n)
            last = min(first + self._per_call, due)
            watchers.on_train_batch_begin(first)
            begin = time.perf_counter()
            found = self._compiled.run(self._flat, self._buffers, plan, first, last, self._options)
            losses += found.tolist()
            if last == due < n:
                average.update()
            self._adapt(last - first, time.perf_counter() - begin)
            watchers.on_train_batch_end(last - 1, {"loss": losses[-1]})
        self._options["begun"] += len(batches)
        return losses

    def _localise(self, batches, n_batches):
        """For each large table, the rows that each batch uses; codes become indices into them."""
        used, codes = {}, None
        for i, sparse in self._compiled.sparse.items():
            codes = aligned_copy(self._data.codes) if codes is None else codes
            # Never narrower than in an earlier epoch: another width would compile again.
            least = self._widths.get(i, 0)
            column = self._data.codes[:, i]
            codes[:, i], rows = local_rows(column, self._data, batches, sparse.n, least)
            self._widths[i] = rows.shape[1]
            used[i] = tf.constant(pad_rows(rows, n_batches))
        if codes is not None:
            self._flat.replace(codes=codes)
        return used

    def _adapt(self, n_batches, seconds):
        """Set the number of batches per call from the time that the last call took."""
        if not self._stepwise:
            # The first call also compiles, so its estimate is too low; later calls may raise it.
            fair = int(_SECONDS_PER_CALL * n_batches / max(seconds, 1e-6))
            self._per_call = int(np.clip(fair, 1, 64 * self._per_call))


def _watch_batches(callbacks):
    """Whether a callback overrides a method for single batches."""
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
            "optimizer__clipnorm=1.0, and check the scale of the numeric channels."
        )
