"""GRUBehaviorRegressor: how much and how soon, by two gates."""

from skbseq.estimators._documented import documented
from skbseq.estimators._recurrent_regressor import RecurrentBehaviorRegressor


@documented
class GRUBehaviorRegressor(RecurrentBehaviorRegressor):
    """Predict numbers from sequences by a network of gated recurrent units.

    As :class:`LSTMBehaviorRegressor`, with two gates in the place of three and no cell beside the
    state: a quarter fewer weights.

    Notes
    -----
    The losses are those of :class:`LSTMBehaviorRegressor`, the network and its training are those
    of :class:`GRUBehaviorClassifier`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import GRUBehaviorRegressor, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> spend = [10.0, 200.0] * 40
    >>> regressor = GRUBehaviorRegressor(learning_rate=0.01, batch_size=8, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
    >>> model.predict(X[:2]).round()
    array([ 10., 200.])
    """

    _network = "gru"
