"""Epochs over batches of like length, and prediction in bulk."""

import keras
import numpy as np
from scipy.special import log_softmax

from skbseq._training._batches import batch_plan, pad_batch

# Prediction pads the rows of a batch to a power of two, at least 32: few shapes, and a row's
# result does not depend on how many others come with it.
_SMALLEST = 32
_EVENTS_AT_ONCE = 2**18


def train(trainer, data, targets, sample_weight, validation, *, plan, callbacks, penalty, verbose):
    """Train for some epochs.

    Parameters
    ----------
    trainer : Trainer
        Started, the lock of its program held.
    data : Sequences of n_samples
    targets : ndarray of float32 of shape (n_samples,)
        Class numbers.
    sample_weight : ndarray of float32 of shape (n_samples,)
    validation : tuple of (Sequences, ndarray, ndarray) or None
        Held-out data, targets and sample weights, for ``val_loss`` after each epoch.
    plan : dict
        ``epochs`` (number of the last epoch), ``initial_epoch``, ``batch_size``, ``rng``.
    callbacks : list of keras.callbacks.Callback
    penalty : tuple of (float, float)
        L1 and L2.
    verbose : int
        0 for silence, 1 for a bar, 2 for a line per epoch.

    Returns
    -------
    dict of str to list of float
        Mean weighted ``loss``, and ``val_loss``, of each epoch.
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
    l1, l2 = (np.float32(value) for value in penalty)
    trainer.model.stop_training = False
    logs = {}
    watchers.on_train_begin()
    for epoch in range(plan["initial_epoch"], plan["epochs"]):
        watchers.on_epoch_begin(epoch)
        losses, sizes = [], []
        for step, rows in enumerate(batch_plan(data.lengths, plan["batch_size"], plan["rng"])):
            watchers.on_train_batch_begin(step)
            batch = pad_batch(data, rows)
            losses.append(trainer.train_batch(batch, targets[rows], sample_weight[rows], l1, l2))
            sizes.append(len(rows))
            watchers.on_train_batch_end(step, {"loss": losses[-1]})
        logs = {"loss": float(np.average(np.array(losses, np.float64), weights=sizes))}
        _check_finite(logs["loss"], epoch)
        # Where the optimizer averages weights, the average is what is judged and kept.
        unaveraged = trainer.average_weights()
        if validation is not None:
            logs["val_loss"] = _loss_of(trainer.program, *validation)
        watchers.on_epoch_end(epoch, logs)
        if trainer.model.stop_training:
            break
        if unaveraged is not None and epoch + 1 < plan["epochs"]:
            trainer.model.set_weights(unaveraged)
    watchers.on_train_end(logs)
    return trainer.model.history.history


def _check_finite(loss, epoch):
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"The loss became {loss} in epoch {epoch + 1}. Lower learning_rate, or set "
            "optimizer__clipnorm=1.0, and look at the scale of the numeric channels."
        )


def _loss_of(program, data, targets, sample_weight):
    losses = -log_softmax(class_logits(program, data), axis=1)
    losses = losses[np.arange(len(data)), targets.astype(int)]
    return float(np.average(losses, weights=sample_weight))


def class_logits(program, data):
    """Logits of all samples for each class.

    Parameters
    ----------
    program : Program
        With the weights loaded, its lock held.
    data : Sequences of n_samples

    Returns
    -------
    ndarray of float64 of shape (n_samples, n_classes)
    """
    logits = _predict(program, data)
    if logits.shape[1] == 1:  # of two classes the network gives the second; the first has 0
        logits = np.column_stack([np.zeros(len(logits)), logits[:, 0]])
    return logits


def _predict(program, data):
    lengths = data.lengths
    result = np.empty((len(data), program.model.output.shape[1]))
    if len(data) == 0:
        return result
    longest = max(int(lengths.max(initial=1)), 1)
    size = int(np.clip(2 ** int(np.log2(_EVENTS_AT_ONCE / longest + 1)), _SMALLEST, 1024))
    for rows in batch_plan(lengths, size):
        n_rows = max(_SMALLEST, 1 << (len(rows) - 1).bit_length())
        batch = pad_batch(data, rows, n_rows)
        result[rows] = program.predict_batch(batch).numpy()[: len(rows)]
    return result
