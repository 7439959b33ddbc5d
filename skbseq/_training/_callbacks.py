"""Callbacks of Keras: early stopping, one that reports to scikit-learn's, and those users give."""

import inspect

import keras
import numpy as np

# Of fewer held-out samples, the standard error is so large that hardly any epoch is worse.
_LEAST_HELD_OUT = 200


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Stop without improvement, and restore the latest weights that are as good as the best.

    On some hundred held-out samples, many epochs have nearly the same loss, and chance decides
    which is the lowest: often an early one, of a network that has learned little. So the weights
    kept are those of the latest epoch whose held-out loss exceeds the lowest by no more than a
    standard error of the difference. Both are of the same samples, which makes this error small.
    The rule for one standard error, of the simplest model as good as the best, is that of Breiman
    et al. (1984). With fewer than 200 held-out samples the weights of the best epoch are restored.

    Parameters
    ----------
    monitor : str
        "loss", or a ranking such as "ndcg@10".
    patience : int
    held_out : callable
        Returns the losses of the held-out samples in this epoch and their weights, or None where
        they are not known one by one; then the weights of the best epoch are restored.
    """

    def __init__(self, monitor, patience, held_out):
        super().__init__(
            monitor=f"val_{monitor}",
            mode="min" if monitor == "loss" else "max",
            patience=patience,
            restore_best_weights=True,
        )
        self._held_out = held_out

    def on_epoch_end(self, epoch, logs=None):
        """Compare the epoch with the best one."""
        super().on_epoch_end(epoch, logs)
        found = self._held_out()
        if self.best_epoch == epoch:
            self._least = found
        elif _tells_apart(found) and is_as_good(*found, than=self._least[0]):
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch


def _tells_apart(held_out):
    return held_out is not None and len(held_out[0]) >= _LEAST_HELD_OUT


def is_as_good(losses, weights, *, than):
    """Whether a mean loss exceeds another by at most a standard error of their difference.

    Parameters
    ----------
    losses, weights, than : ndarray of shape (n_samples,)
        Losses of the same samples, and the weights of these.
    """
    excess = losses - than
    mean = np.average(excess, weights=weights)
    error = np.sqrt(np.sum((weights * (excess - mean)) ** 2)) / weights.sum()
    return bool(mean <= error)


class EpochReporter(keras.callbacks.Callback):
    """Tell scikit-learn's callbacks of each epoch, and stop if one of them asks for it.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
    estimator : estimator
        That is being fitted.
    attributes : callable
        From the network's weights to the attributes of the fitted estimator.
    """

    def __init__(self, context, estimator, attributes):
        super().__init__()
        self._context, self._estimator, self._attributes = context, estimator, attributes

    def on_epoch_begin(self, epoch, logs=None):
        """Begin a task."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator)

    def on_epoch_end(self, epoch, logs=None):
        """End the task."""
        stop = self._epoch.call_on_fit_task_end(
            estimator=self._estimator,
            metadata=dict(logs or {}),
            # A function, because few callbacks ask for a fitted estimator.
            reconstruction_attributes=lambda: self._attributes(self.model.get_weights()),
        )
        if stop:
            self.model.stop_training = True


def check_callbacks(callbacks, routed):
    """Check callbacks and their routed parameters.

    Parameters
    ----------
    callbacks : callback, class, list or dict of them, or None
    routed : iterable of str
        Names of routed parameters, without their prefix.

    Raises
    ------
    TypeError
        If one is no callback of Keras.
    ValueError
        If a parameter is routed to a callback that is not there.
    """
    if isinstance(callbacks, dict):
        places = callbacks
    elif isinstance(callbacks, list) or callbacks is None:
        places = dict(enumerate(callbacks or ()))
    else:
        places = {"": callbacks}
    for given in places.values():
        for callback in given if isinstance(given, list) else [given]:
            kind = callback if inspect.isclass(callback) else type(callback)
            if not issubclass(kind, keras.callbacks.Callback):
                raise TypeError(
                    f"callbacks holds {callback!r}, which is not a callback of Keras. Give a list "
                    "of instances or classes of keras.callbacks.Callback."
                )
    if "" in places:
        return
    known = {str(place) for place in places}
    for name in routed:
        # A name without a place goes to all callbacks.
        if not known or ("__" in name and name.partition("__")[0] not in known):
            raise ValueError(f"callbacks__{name} has nothing to act on: callbacks={callbacks!r}.")
