"""RNNBehaviorRegressor: how much and how soon, by the simplest recurrence."""

from skbseq.estimators._documented import documented
from skbseq.estimators._recurrent_regressor import RecurrentBehaviorRegressor


@documented
class RNNBehaviorRegressor(RecurrentBehaviorRegressor):
    """Predict numbers from sequences by a simple recurrent network.

    As :class:`LSTMBehaviorRegressor`, without gates: a quarter of the weights, but what lies some
    ten events back is soon forgotten. It shows what the gates are worth.

    Notes
    -----
    The losses are those of :class:`LSTMBehaviorRegressor`, the network and its training are those
    of :class:`RNNBehaviorClassifier`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import RNNBehaviorRegressor, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> spend = [10.0, 200.0] * 40
    >>> regressor = RNNBehaviorRegressor(learning_rate=0.01, batch_size=8, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
    >>> model.predict(X[:2]).round()
    array([ 10., 200.])
    """

    _network = "rnn"
