"""What each network asks of an estimator, once for classifier and regressor."""

from numbers import Integral

from skbseq._checks import Interval
from skbseq.estimators._base import without
from skbseq.estimators._transfer import TRANSFER_CONSTRAINTS

_ONE_OR_MORE = Interval(Integral, 1, None, closed="left")


class NetworkMixin:
    """A network's parameters: its own, and those of others that it does not take.

    Stands before the base that says what is learnt. A parameter told in the docstring of a
    subclass is so told by `documented`.
    """

    _own_constraints = {}
    _not_taken = ()

    @classmethod
    def constrain(cls, base):
        """The constraints of an estimator with this network.

        Parameters
        ----------
        base : type
            What is learnt: a classifier or regressor without a network.

        Returns
        -------
        dict
            Constraints by name.
        """
        return without(base._parameter_constraints, *cls._not_taken) | cls._own_constraints


class RecurrentMixin(NetworkMixin):
    """Reads event by event; the estimator names which recurrence.

    Parameters
    ----------
    units : int
        Size of the state of each layer.
    n_layers : int
        Stacked recurrent layers.
    """

    _own_constraints = TRANSFER_CONSTRAINTS


class CNNMixin(NetworkMixin):
    """Reads all events at once, each beside some before it.

    Parameters
    ----------
    n_layers : int
        Residual blocks of two convolutions. Each doubles the distances.
    kernel_size : int
        Events that a convolution sees side by side. The reach of k events and n blocks is
        ``1 + 2 (k - 1) (2 ** n - 1)`` events.
    """

    _network = "cnn"
    _own_constraints = {"kernel_size": [_ONE_OR_MORE]}
    _not_taken = ("bidirectional", "recurrent_dropout")


class TransformerMixin(NetworkMixin):
    """Reads all events at once, each beside all before it.

    Parameters
    ----------
    n_layers : int
        Blocks of attention and a feed-forward layer.
    n_heads : int
        Attentions side by side in a block, each of ``units / n_heads`` numbers, rounded up.
    feed_forward_units : int
        Size of the hidden layer of each block. None: twice ``units``.
    bidirectional : bool
        Whether an event attends to all events; else to itself and those before it. To the last
        event of one block it is the same.
    dropout : float
        Share of what each part of a block adds, and of the last vector, set to zero in training.
    """

    _network = "transformer"
    _own_constraints = {"n_heads": [_ONE_OR_MORE], "feed_forward_units": [_ONE_OR_MORE, None]}
    _not_taken = ("recurrent_dropout",)


class BagMixin(NetworkMixin):
    """Reads the mean of the events, in no order."""

    _network = "bag"
    _not_taken = ("n_layers", "bidirectional", "recurrent_dropout", "pooling")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # The columns of an array are steps to us, and of steps it sees the mean alone.
        (tags.classifier_tags or tags.regressor_tags).poor_score = True
        return tags
