"""RNNBehaviorClassifier: the order of events by the simplest recurrence."""

from skbseq.estimators._documented import documented
from skbseq.estimators._recurrent_classifier import RecurrentBehaviorClassifier


@documented
class RNNBehaviorClassifier(RecurrentBehaviorClassifier):
    """Classify sequences by a simple recurrent network.

    As :class:`LSTMBehaviorClassifier`, without gates: a quarter of the weights, but what lies
    some ten events back is soon forgotten. It shows what the gates are worth.

    Notes
    -----
    With input :math:`x_t` the state is

    .. math::

        h_t = \\tanh(W x_t + U h_{t-1} + b)

    References
    ----------
    Elman (1990). Finding structure in time. Cognitive Science 14(2).

    Bengio, Simard, Frasconi (1994). Learning long-term dependencies with gradient descent is
    difficult. IEEE Transactions on Neural Networks 5(2).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import RNNBehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = RNNBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    _network = "rnn"
