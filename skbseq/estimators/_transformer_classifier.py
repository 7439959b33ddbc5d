"""TransformerBehaviorClassifier: each event in the light of the others."""

from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._network_mixins import TransformerMixin


@documented
class TransformerBehaviorClassifier(TransformerMixin, BaseBehaviorClassifier):
    """Classify sequences by self-attention.

    Blocks of attention and a feed-forward layer (a transformer encoder). Events know their place
    by sinusoids counted from the first event; the numeric channels, such as the time since the
    event before, enter by learned sinusoids as well; and each head looks at what is far away
    less, some heads by more than others. The cost grows with the square of the length of a
    history, in memory too.

    Notes
    -----
    With queries, keys and values :math:`q = W_q x, k = W_k x, v = W_v x` of size :math:`d`, head
    :math:`i` of :math:`H` gives

    .. math::

        e_{ts} &= q_t \\cdot k_s / \\sqrt d - 2^{-8 i / H} |t - s| \\\\
        a_t &= \\sum_{s \\le t} v_s \\frac{\\exp e_{ts}}{\\sum_{r \\le t} \\exp e_{tr}}

    and a block, each part normalised first, is

    .. math::

        y &= x + W_o\\,\\mathrm{heads}(\\mathrm{norm}(x)) \\\\
        z &= y + V\\,\\mathrm{relu}(U\\,\\mathrm{norm}(y) + b) + c

    References
    ----------
    Vaswani et al. (2017). Attention is all you need. NeurIPS.

    Xiong et al. (2020). On layer normalization in the transformer architecture. ICML.

    Press, Smith, Lewis (2022). Train short, test long: attention with linear biases enables input
    length extrapolation. ICLR.

    Kazemi et al. (2019). Time2Vec: learning a vector representation of time. arXiv:1907.05321.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceEncoder, TransformerBehaviorClassifier
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = TransformerBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    _parameter_constraints = TransformerMixin.constrain(BaseBehaviorClassifier)

    def __init__(
        self,
        *,
        units=32,
        n_layers=2,
        n_heads=4,
        feed_forward_units=None,
        bidirectional=False,
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
        self.n_heads = n_heads
        self.feed_forward_units = feed_forward_units
        self.bidirectional = bidirectional
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
