"""Callbacks of Keras: those that users give, and one that reports to scikit-learn's."""

import inspect

import keras


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
