"""GRUBehaviorClassifier: the order of events by two gates."""

from skbseq.estimators._documented import documented
from skbseq.estimators._recurrent_classifier import RecurrentBehaviorClassifier


@documented
class GRUBehaviorClassifier(RecurrentBehaviorClassifier):
    """Classify sequences by a network of gated recurrent units.

    As :class:`LSTMBehaviorClassifier`, with two gates in the place of three and no cell beside
    the state: a quarter fewer weights. Which of both is better differs from log to log.

    Notes
    -----
    With input :math:`x_t` and state :math:`h_{t-1}` the two gates and the state are

    .. math::

        z, r &= \\sigma(W_{z,r} x_t + U_{z,r} h_{t-1} + b_{z,r}) \\\\
        n &= \\tanh(W_n x_t + b_n + r \\odot (U_n h_{t-1} + d_n)) \\\\
        h_t &= z \\odot h_{t-1} + (1 - z) \\odot n

    The reset gate acts after the product with :math:`U_n`, as cuDNN has it.

    References
    ----------
    Cho et al. (2014). Learning phrase representations using RNN encoder-decoder for statistical
    machine translation. EMNLP.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import GRUBehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = GRUBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    _network = "gru"
