"""LSTMBehaviorRegressor: how much and how soon, from the order of what people did."""

from skbseq.estimators._regressor import BaseBehaviorRegressor


class LSTMBehaviorRegressor(BaseBehaviorRegressor):
    """Predict numbers from sequences by a long short-term memory network.

    How much will be spent, how often, how soon: each categorical channel gets an embedding,
    numeric channels stand beside it, stacked LSTM layers read the events in order, and the state
    after the last real event, joined by the context, gives the number. What number, of all that
    may come, is said by ``loss``. Histories may be empty.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "squared_log_error", "poisson", \
            "quantile"}, default="squared_error"
        What is made small, and so what is predicted: the mean ("squared_error"), the median
        ("absolute_error"), something between them that a few large numbers cannot pull far
        ("huber"), a mean of orders of magnitude ("squared_log_error"), the mean of a count or of
        a spend, which is never negative ("poisson"), or quantiles ("quantile"). Formulas are
        below.
    quantile : float or list of float, default=0.5
        Levels between 0 and 1, in ascending order, of ``loss="quantile"``; other losses do not
        look at it. A list gives a column for each.
    units : int, default=32
        Size of the state of each layer.
    n_layers : int, default=1
        Stacked LSTM layers.
    bidirectional : bool, default=False
        Whether each layer also reads the events backwards.
    embedding_dim : int, default=None
        Size of the embedding of each categorical channel. None: ``min(32, 2 n ** (1 / 3))`` for
        n codes.
    dropout : float, default=0.0
        Share of the inputs of each layer, and of the last vector, set to zero in training.
    recurrent_dropout : float, default=0.0
        Share of the recurrent state set to zero in training. On a GPU it rules cuDNN out.
    l1 : float, default=0.0
        Weight of the sum of absolute kernel weights in the loss.
    l2 : float, default=0.0
        Weight of the sum of squared kernel weights in the loss.
    pooling : {"last", "mean", "max"}, default="last"
        How the states of all events become one: the last, their mean, or their largest values.
    optimizer : str, class or keras.optimizers.Optimizer, default="adam"
        Keras optimizer. Its parameters are routed: ``optimizer__weight_decay=0.01``.
    learning_rate : float, default=0.003
        Learning rate; ``optimizer__learning_rate``, or that of an optimizer instance, goes
        before it.
    batch_size : int, default=64
        Samples in a step of the optimizer.
    epochs : int, default=20
        Passes over the training samples, at most.
    validation_split : float, default=0.1
        Share of the samples held out, shuffled, for ``val_loss``. 0: none.
    early_stopping : bool or int, default=True
        Stop after so many epochs (True: 5) without a better ``val_loss`` and restore the best
        weights. Without held-out samples training runs through all epochs.
    callbacks : list of keras.callbacks.Callback or of such classes, default=None
        Parameters of classes are routed: ``callbacks__0__patience=3``.
    warm_start : bool, default=False
        Whether a further ``fit`` goes on from the weights of the last.
    device : str, default="auto"
        "auto" takes the GPUs where there are any; or "cpu", "gpu", or a name such as "/GPU:1",
        or several joined by commas. Several devices share each batch.
    precision : {"auto", "float32", "mixed_float16", "mixed_bfloat16"}, default="auto"
        Precision of the layers. "auto" is float32, and mixed_float16 on GPUs with tensor cores
        (compute capability 7.0) where ``units`` is a multiple of 8 and at least 128.
    verbose : int, default=0
        0 for silence, 1 for a progress bar, 2 for a line per epoch. From 1 on also the device,
        the precision and the share of padding are told.
    init : BehaviorEmbedder, default=None
        Fitted: training begins from its weights, with its sizes of embeddings. The frame must
        come from its own encoder, ``embedder.encoder_``. In searches and cross-validation give
        ``sklearn.frozen.FrozenEstimator(embedder)``.
    freeze : {"embeddings", "network"}, list of str, or None, default=None
        Layers that training leaves as they begin: all embeddings, all below the head, or layers
        by the names that ``model_`` has.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, shuffling, splitting and dropout. The same int gives the same fit bit for
        bit on a CPU; no global random state is touched.
    **routed : dict
        Parameters for ``optimizer__``, ``callbacks__`` and ``fit__`` (batch_size, epochs,
        verbose).

    Attributes
    ----------
    history_ : dict of str to list of float
        ``loss``, and ``val_loss`` where samples were held out, of each epoch.
    n_features_in_ : int
        Columns of the frame, or time steps of the array, seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, where X was a frame.
    n_iter_ : int
        Epochs run.
    device_ : str
        Where the network was trained.
    padding_ : float
        Share of the steps of the last epoch's batches that were padding.
    model_ : keras.Model
        The network, built anew at each access, giving numbers on its own
        scale.

    Raises
    ------
    SequenceFrameError
        If the frame is not encoded, lacks a column seen at fit, holds NaN, or, at fit, a code
        above 10 million.
    TypeError
        If X is neither table, list nor array, or there is no parameter of a name.
    ValueError
        If y has another length, holds what is no finite number, or a negative one where the loss
        takes none, or zeros alone with ``loss="poisson"``; if loss or quantile were changed
        before a fit that goes on; or a parameter is not valid.

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
        recurrent_dropout=0.0,
        l1=0.0,
        l2=0.0,
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
        self.recurrent_dropout = recurrent_dropout
        self.l1 = l1
        self.l2 = l2
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
