"""LSTMBehaviorClassifier and LSTMBehaviorRegressor, written by hand for editors and readers."""

from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._regressor import BaseBehaviorRegressor
from skbseq.networks._recurrent import RECURRENT_OPTIONS


@documented("lstm")
class LSTMBehaviorClassifier(BaseBehaviorClassifier):
    """Classify sequences by a long short-term memory network.

    Each categorical channel gets an embedding, numeric channels are concatenated, stacked LSTM
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

    _parameter_constraints = {
        **BaseBehaviorClassifier._parameter_constraints,
        **{name: option.constraint for name, option in RECURRENT_OPTIONS.items()},
    }
    network = "lstm"

    def __init__(
        self,
        *,
        units=32,
        n_layers=1,
        bidirectional=False,
        embedding_dim=None,
        dropout=0.0,
        embedding_dropout=0.0,
        recurrent_dropout=0.0,
        l1=0.0,
        l2=0.0,
        label_smoothing=0.0,
        augment=None,
        pooling="last",
        optimizer="adam",
        learning_rate=0.003,
        batch_size=64,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        class_weight=None,
        callbacks=None,
        warm_start=False,
        device="auto",
        precision="auto",
        verbose=0,
        init=None,
        freeze=None,
        random_state=None,
        **routed,
    ):
        self._assign(locals())


@documented("lstm")
class LSTMBehaviorRegressor(BaseBehaviorRegressor):
    """Predict numbers from sequences by a long short-term memory network.

    How much will be spent, how often, how soon: each categorical channel gets an embedding,
    numeric channels are concatenated, stacked LSTM layers read the events in order, and the state
    after the last real event, joined by the context, gives the number. What number, of all that
    may come, is said by ``loss``. Histories may be empty.

    Notes
    -----
    With :math:`\\bar y` the mean of the numbers to learn from and :math:`s` their standard
    deviation, both weighted, the network learns :math:`z = (y - \\bar y) / s` by outputs
    :math:`f`, and predicts :math:`\\bar y + s f`. So its parameters serve cents and years alike:
    what is multiplied by a thousand is predicted a thousand times as large. ``partial_fit`` takes
    the scale from its first call. The losses of a sample are

    .. list-table::
        :widths: 30 70

        * - ``squared_error``
          - :math:`(z - f)^2`
        * - ``absolute_error``
          - :math:`|z - f|`
        * - ``huber``
          - :math:`(z - f)^2 / 2` up to a distance of 1, which is a standard deviation of y, and
            :math:`|z - f| - 1/2` beyond it [1]_
        * - ``squared_log_error``
          - :math:`(z - f)^2`, with the mean, the deviation and z of :math:`\\log(1 + y)`;
            :math:`\\exp(\\cdot) - 1` is predicted, and nothing below zero
        * - ``poisson``
          - :math:`2 (r \\log(r / e^f) - r + e^f)`, the Poisson deviance of
            :math:`r = y / \\bar y` with a log link; :math:`\\bar y e^f` is predicted
        * - ``quantile``
          - the mean over the levels q, with an output each, of the pinball loss
            :math:`\\max(q (z - f_q), (q - 1) (z - f_q))` [2]_

    Quantiles that were learned side by side may cross for some samples; they are sorted, which
    never takes them farther from the true ones [3]_. The losses of ``history_`` are on this scale.

    The network and its training are those of `LSTMBehaviorClassifier`.

    References
    ----------
    .. [1] Huber (1964). Robust estimation of a location parameter. Annals of Mathematical
       Statistics 35(1).
    .. [2] Koenker, Bassett (1978). Regression quantiles. Econometrica 46(1).
    .. [3] Chernozhukov, Fernandez-Val, Galichon (2010). Quantile and probability curves without
       crossing. Econometrica 78(3).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import LSTMBehaviorRegressor, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> spend = [10.0, 200.0] * 40
    >>> regressor = LSTMBehaviorRegressor(learning_rate=0.01, batch_size=8, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
    >>> model.predict(X[:2]).round()
    array([ 10., 200.])
    """

    _parameter_constraints = {
        **BaseBehaviorRegressor._parameter_constraints,
        **{name: option.constraint for name, option in RECURRENT_OPTIONS.items()},
    }
    network = "lstm"

    def __init__(
        self,
        *,
        loss="squared_error",
        quantile=0.5,
        units=32,
        n_layers=1,
        bidirectional=False,
        embedding_dim=None,
        dropout=0.0,
        embedding_dropout=0.0,
        recurrent_dropout=0.0,
        l1=0.0,
        l2=0.0,
        augment=None,
        pooling="last",
        optimizer="adam",
        learning_rate=0.003,
        batch_size=64,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        callbacks=None,
        warm_start=False,
        device="auto",
        precision="auto",
        verbose=0,
        init=None,
        freeze=None,
        random_state=None,
        **routed,
    ):
        self._assign(locals())
