"""An average of the weights of a network over the later part of training."""

import math

import numpy as np

from skbseq._training._sparse_adam import is_large

# How often an epoch adds to the average; of few batches, each adds.
_PER_EPOCH = 16
_POWER = 4
_AT_ONCE = 2**18  # numbers, so that the difference of a large table takes no memory
# Of large tables an update reads at most so many numbers for each batch since the last one, which
# costs some milliseconds.
_PER_BATCH = 2**20
# Of more numbers in large tables, as of half a million ids, none of these is averaged: the
# average, and the copies of it that validation makes, would take gigabytes.
_MOST_LARGE = 2**26


class WeightAverage:
    r"""A power-law average of a model's weights.

    Of :math:`n` updates the k-th counts :math:`(k^4 - (k-1)^4) / n^4`. So the mean age of the
    weights is a fifth of the training so far, however long that is (Karras et al. 2024); an
    exponential average would need another constant for each length.

    Parameters
    ----------
    model : keras.Model
    large : bool, default=False
        Whether large embedding tables are averaged too, unless they are too large together. The
        average takes as much memory as they do, and each update reads all of them.
    n_accumulated : int, default=1
        How many batches make one step of the optimizer.
    """

    def __init__(self, model, *, large=False, n_accumulated=1):
        self._model = model
        weights = [w for w in model.weights if _is_float(w)]
        n_large = sum(math.prod(w.shape) for w in weights if is_large(w))
        if not large or n_large > _MOST_LARGE:
            weights, n_large = [w for w in weights if not is_large(w)], 0
        self._variables, self._mean, self._n = weights, None, 0
        self._spacing, self._n_accumulated = 1 + n_large // _PER_BATCH, n_accumulated

    def update(self):
        """Add the weights of this moment."""
        self._n += 1
        share = np.float32(1 - (1 - 1 / self._n) ** _POWER)
        if self._mean is None:
            self._mean = [_value(variable) for variable in self._variables]
            return
        for mean, variable in zip(self._mean, self._variables, strict=True):
            _move(mean.reshape(-1), _value(variable).reshape(-1), share)

    def next_update(self, n_done, n_batches):
        """After which batch of an epoch to update next, at the latest after the last.

        Only batches after which the optimizer has made a step count, so that batches of 64 and
        four times 16 give the same average.
        """
        every = max(n_batches / _PER_EPOCH, self._spacing)
        every = math.ceil(every / self._n_accumulated) * self._n_accumulated
        return min((n_done // every + 1) * every, n_batches)

    def load(self):
        """Load the average into the model.

        Returns
        -------
        list of ndarray
            The weights before.
        """
        before = self._model.get_weights()
        for variable, mean in zip(self._variables, self._mean, strict=True):
            variable.assign(mean)
        return before


def _value(variable):
    return np.asarray(variable.value.numpy(), np.float32)


def _move(mean, value, share):
    """Move a mean towards a value, in place."""
    for start in range(0, len(mean), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        # In this form weights that stay the same, as frozen ones, are not even rounded.
        mean[part] += share * (value[part] - mean[part])


def _is_float(variable):
    return "float" in str(variable.dtype)
