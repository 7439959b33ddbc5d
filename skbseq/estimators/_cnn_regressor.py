"""CNNBehaviorRegressor: how much and how soon, from what stands near each other."""

from skbseq.estimators._documented import documented
from skbseq.estimators._network_mixins import CNNMixin
from skbseq.estimators._regressor import BaseBehaviorRegressor


@documented
class CNNBehaviorRegressor(CNNMixin, BaseBehaviorRegressor):
    """Predict numbers from sequences by causal dilated convolutions.

    Each event is seen beside some before it, at distances that double from block to block, and all
    events are computed at once: long histories cost less time than with a recurrence. What lies
    farther back than the reach is not seen by ``pooling="last"``.

    Notes
    -----
    The losses are those of :class:`LSTMBehaviorRegressor`, the network and its training are those
    of :class:`CNNBehaviorClassifier`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import CNNBehaviorRegressor, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> spend = [10.0, 200.0] * 40
    >>> regressor = CNNBehaviorRegressor(learning_rate=0.01, batch_size=8, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
    >>> model.score(X, spend) > 0.9
    True
    """

    _parameter_constraints = CNNMixin.constrain(BaseBehaviorRegressor)

    def __init__(
        self,
        *,
        loss="squared_error",
        quantile=0.5,
        units=32,
        n_layers=4,
        kernel_size=3,
        embedding_dim=None,
        dropout=0.1,
        embedding_dropout=0.0,
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
        random_state=None,
        **routed,
    ):
        self.loss = loss
        self.quantile = quantile
        self.units = units
        self.n_layers = n_layers
        self.kernel_size = kernel_size
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.l1 = l1
        self.l2 = l2
        self.augment = augment
        self.pooling = pooling
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
