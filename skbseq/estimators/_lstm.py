"""LSTMBehaviorClassifier and LSTMBehaviorRegressor, with explicit signatures for editors."""

from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._regressor import BaseBehaviorRegressor
from skbseq.networks._recurrent import RECURRENT_OPTIONS


def _constraints(base):
    """Constraints of the parameters; an LSTM has no kernels that could have adapters."""
    own = {name: option.constraint for name, option in RECURRENT_OPTIONS.items()}
    constraints = {**base._parameter_constraints, **own}
    return {name: kinds for name, kinds in constraints.items() if name != "adapter_rank"}


@documented("lstm")
class LSTMBehaviorClassifier(BaseBehaviorClassifier):
    """Classify sequences with a long short-term memory network (LSTM).

    Each event is represented by the embeddings of its categorical channels and the values of its
    numeric channels. Stacked LSTM layers read the events in order. The state after the last real
    event and the context give the logits. Histories may be empty. Samples of similar length share
    a batch, so the cost depends on the number of real events, not on padding.

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

    _parameter_constraints = _constraints(BaseBehaviorClassifier)
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
        average_weights=True,
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
    """Predict numbers from sequences with a long short-term memory network (LSTM).

    Use it for amounts, counts and times. Each event is represented by the embeddings of its
    categorical channels and the values of its numeric channels. Stacked LSTM layers read the
    events in order. The state after the last real event and the context give the prediction: a
    mean, a median or quantiles, depending on ``loss``. Histories may be empty.

    Notes
    -----
    Let :math:`\\bar y` be the mean of the training targets and :math:`s` their standard
    deviation, both weighted. The outputs :math:`f` of the network learn :math:`z = (y - \\bar y)
    / s`, and the prediction is :math:`\\bar y + s f`. The other parameters therefore do not
    depend on the unit of the targets. ``partial_fit`` takes the scale from its first call. The
    losses of a sample are

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

    Quantiles that are learned together may cross for some samples. They are sorted, which never
    increases their distance to the true ones [3]_. The losses of ``history_`` are on this scale.

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

    _parameter_constraints = _constraints(BaseBehaviorRegressor)
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
        average_weights=True,
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
