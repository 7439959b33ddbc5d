"""CNNBehaviorClassifier: what stands near each other, at distances that double."""

from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._network_mixins import CNNMixin


@documented
class CNNBehaviorClassifier(CNNMixin, BaseBehaviorClassifier):
    """Classify sequences by causal dilated convolutions.

    Residual blocks of two convolutions over each event and those before it, at distances that
    double from block to block (a temporal convolutional network). All events are computed at
    once, so that long histories cost less time than with a recurrence; what lies farther back
    than the reach is not seen by ``pooling="last"``.

    Notes
    -----
    With :math:`k` kernels :math:`W_j` in block :math:`i` a convolution is

    .. math::

        (W * x)_t = \\sum_{j=0}^{k-1} W_j x_{t - 2^i j} + b

    where :math:`x_t = 0` before the first event, and a block is
    :math:`x + \\mathrm{relu}(V * \\mathrm{relu}(W * x))`.

    References
    ----------
    Bai, Kolter, Koltun (2018). An empirical evaluation of generic convolutional and recurrent
    networks for sequence modeling. arXiv:1803.01271.

    van den Oord et al. (2016). WaveNet: a generative model for raw audio. arXiv:1609.03499.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import CNNBehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = CNNBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    _parameter_constraints = CNNMixin.constrain(BaseBehaviorClassifier)

    def __init__(
        self,
        *,
        units=32,
        n_layers=4,
        kernel_size=3,
        embedding_dim=None,
        dropout=0.1,
        embedding_dropout=0.0,
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
        random_state=None,
        **routed,
    ):
        self.units = units
        self.n_layers = n_layers
        self.kernel_size = kernel_size
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.l1 = l1
        self.l2 = l2
        self.label_smoothing = label_smoothing
        self.augment = augment
        self.pooling = pooling
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
