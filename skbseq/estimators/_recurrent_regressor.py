"""What the regressors by recurrent networks share: their parameters."""

from skbseq.estimators._network_mixins import RecurrentMixin
from skbseq.estimators._regressor import BaseBehaviorRegressor


class RecurrentBehaviorRegressor(RecurrentMixin, BaseBehaviorRegressor):
    """A regressor whose network reads event by event; a subclass names the network."""

    _parameter_constraints = RecurrentMixin.constrain(BaseBehaviorRegressor)

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
        self.loss = loss
        self.quantile = quantile
        self.units = units
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.recurrent_dropout = recurrent_dropout
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
        self.init = init
        self.freeze = freeze
        self.random_state = random_state
        self._keep_routed(routed)
