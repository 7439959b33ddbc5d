"""BagBehaviorRegressor: how much and how soon, in whatever order."""

from skbseq.estimators._documented import documented
from skbseq.estimators._network_mixins import BagMixin
from skbseq.estimators._regressor import BaseBehaviorRegressor


@documented
class BagBehaviorRegressor(BagMixin, BaseBehaviorRegressor):
    """Predict numbers from sequences by the mean of their events, blind to their order.

    The control beside the networks that read in order: what another regressor gains over this one,
    it gains from the order.

    Notes
    -----
    The losses are those of :class:`LSTMBehaviorRegressor`, the network and its training are those
    of :class:`BagBehaviorClassifier`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import BagBehaviorRegressor, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["view", "view"], ["view", "cart"]] * 40})
    >>> spend = [10.0, 200.0] * 40
    >>> regressor = BagBehaviorRegressor(learning_rate=0.01, batch_size=8, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
    >>> model.predict(X[:2]).round()
    array([ 10., 200.])
    """

    _parameter_constraints = BagMixin.constrain(BaseBehaviorRegressor)

    def __init__(
        self,
        *,
        loss="squared_error",
        quantile=0.5,
        units=32,
        embedding_dim=None,
        dropout=0.0,
        embedding_dropout=0.0,
        l1=0.0,
        l2=0.0,
        augment=None,
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
        random_state=None,
        **routed,
    ):
        self.loss = loss
        self.quantile = quantile
        self.units = units
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.l1 = l1
        self.l2 = l2
        self.augment = augment
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.validation_split = validation_split
        self.early_stopping = early_stopping
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.verbose = verbose
        self.random_state = random_state
        self._keep_routed(routed)
