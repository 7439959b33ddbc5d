"""LSTMBehaviorRegressor: how much and how soon, from the order of what people did."""

from skbseq.estimators._documented import documented
from skbseq.estimators._recurrent_regressor import RecurrentBehaviorRegressor


@documented
class LSTMBehaviorRegressor(RecurrentBehaviorRegressor):
    """Predict numbers from sequences by a long short-term memory network.

    How much will be spent, how often, how soon: each categorical channel gets an embedding,
    numeric channels stand beside it, stacked LSTM layers read the events in order, and the state
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

    Quantiles that were learnt side by side may cross for some samples; they are sorted, which
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

    _network = "lstm"
