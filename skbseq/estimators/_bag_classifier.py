"""BagBehaviorClassifier: what happened, in whatever order."""

from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._network_mixins import BagMixin


@documented
class BagBehaviorClassifier(BagMixin, BaseBehaviorClassifier):
    """Classify sequences by the mean of their events, blind to their order.

    The control beside the networks that read in order: the same channels, embeddings, context
    and training, but only the mean of the events. What another network gains over this one, it
    gains from the order. (The numbers may tell of it: a channel with the time of each event
    does.)

    Notes
    -----
    Of the events :math:`x_1, ..., x_t` the vector is

    .. math::

        h_t = \\mathrm{relu}\\Bigl(W \\frac{1}{t} \\sum_{s=1}^{t} x_s + b\\Bigr)

    References
    ----------
    Zaheer et al. (2017). Deep sets. NeurIPS.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import BagBehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["view", "cart"], ["view", "view"]] * 40})
    >>> y = ["buys", "leaves"] * 40
    >>> classifier = BagBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['buys', 'leaves']
    """

    _parameter_constraints = BagMixin.constrain(BaseBehaviorClassifier)

    def __init__(
        self,
        *,
        units=32,
        embedding_dim=None,
        dropout=0.0,
        embedding_dropout=0.0,
        l1=0.0,
        l2=0.0,
        label_smoothing=0.0,
        augment=None,
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
        random_state=None,
        **routed,
    ):
        self.units = units
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.l1 = l1
        self.l2 = l2
        self.label_smoothing = label_smoothing
        self.augment = augment
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.validation_split = validation_split
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.verbose = verbose
        self.random_state = random_state
        self._keep_routed(routed)
