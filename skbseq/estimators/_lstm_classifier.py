"""LSTMBehaviorClassifier: what a person does next, from the order of what they did."""

from skbseq.estimators._documented import documented
from skbseq.estimators._recurrent_classifier import RecurrentBehaviorClassifier


@documented
class LSTMBehaviorClassifier(RecurrentBehaviorClassifier):
    """Classify sequences by a long short-term memory network.

    Each categorical channel gets an embedding, numeric channels stand beside it, stacked LSTM
    layers read the events in order, and the state after the last real event, joined by the
    context, gives the logits. Histories may be empty. Batches hold samples of like length, so
    that cost follows real events and not padding.

    Notes
    -----
    With input :math:`x_t` and state :math:`h_{t-1}, c_{t-1}` the gates and states are

    .. math::

        i, f, o &= \\sigma(W_{i,f,o} x_t + U_{i,f,o} h_{t-1} + b_{i,f,o}) \\\\
        c_t &= f \\odot c_{t-1} + i \\odot \\tanh(W_c x_t + U_c h_{t-1} + b_c) \\\\
        h_t &= o \\odot \\tanh(c_t)

    References
    ----------
    Hochreiter, Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).

    Gers, Schmidhuber, Cummins (2000). Learning to forget: continual prediction with LSTM.
    Neural Computation 12(10).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import LSTMBehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = LSTMBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    _network = "lstm"
