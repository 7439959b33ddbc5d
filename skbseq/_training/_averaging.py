"""An average of the weights of a network over the later part of training."""

import numpy as np

from skbseq._training._sparse_adam import is_large

# How often an epoch adds to the average; of few batches, each adds.
_PER_EPOCH = 16
_POWER = 4


class WeightAverage:
    r"""A power-law average of a model's weights.

    Of :math:`n` updates the k-th counts :math:`(k^4 - (k-1)^4) / n^4`. So the mean age of the
    weights is a fifth of the training so far, however long that is (Karras et al. 2024); an
    exponential average would need another constant for each length.

    Large embedding tables are left out: most of their rows change in few steps.

    Parameters
    ----------
    model : keras.Model
    """

    def __init__(self, model):
        self._model = model
        self._variables = [w for w in model.weights if _is_float(w) and not is_large(w)]
        self._mean, self._n = None, 0

    def update(self):
        """Add the weights of this moment."""
        self._n += 1
        share = 1 - (1 - 1 / self._n) ** _POWER
        if self._mean is None:
            self._mean = self._values()
            return
        for mean, value in zip(self._mean, self._values(), strict=True):
            # In this form weights that stay the same, as frozen ones, are not even rounded.
            mean += np.float32(share) * (value - mean)

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

    def _values(self):
        return [variable.numpy().astype(np.float32) for variable in self._variables]


def _is_float(variable):
    return "float" in str(variable.dtype)


def next_update(n_done, n_batches):
    """After which batch of an epoch an average is updated next; at the latest after the last."""
    every = -(-n_batches // _PER_EPOCH)
    return min((n_done // every + 1) * every, n_batches)
