"""LSTMBehaviorClassifier: what a person does next, from the order of what they did."""

from skbseq.estimators._classifier import BaseBehaviorClassifier


class LSTMBehaviorClassifier(BaseBehaviorClassifier):
    """Classify sequences by a long short-term memory network.

    Each categorical channel gets an embedding, numeric channels stand beside it, stacked LSTM
    layers read the events in order, and the state after the last real event, joined by the
    context, gives the logits. Histories may be empty. Batches hold samples of like length, so
    that cost follows real events and not padding.

    Parameters
    ----------
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
        Share of the samples held out, shuffled and stratified, for ``val_loss``. 0: none.
    early_stopping : bool or int, default=True
        Stop after so many epochs (True: 5) without a better ``val_loss`` and restore the best
        weights. Without held-out samples training runs through all epochs.
    class_weight : dict or "balanced", default=None
        Weights of the classes, zero or more, multiplied with ``sample_weight``.
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
    classes_ : ndarray of shape (n_classes,)
        Labels in ascending order.
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
        The network, built anew at each access, giving logits.

    Raises
    ------
    SequenceFrameError
        If the frame is not encoded, lacks a column seen at fit, holds NaN, or, at fit, a code
        above 10 million.
    TypeError
        If X is neither table, list nor array, or there is no parameter of a name.
    ValueError
        If y has one class only, another length, or labels that are missing or of several kinds,
        or a parameter is not valid.

    Notes
    -----
    With input :math:`x_t` and state :math:`h_{t-1}, c_{t-1}` the gates and states are

    .. math::

        i, f, o &= \\sigma(W_{i,f,o} x_t + U_{i,f,o} h_{t-1} + b_{i,f,o}) \\\\
        c_t &= f \\odot c_{t-1} + i \\odot \\tanh(W_c x_t + U_c h_{t-1} + b_c) \\\\
        h_t &= o \\odot \\tanh(c_t)

    References
    ----------
    Hochreiter, Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).

    Gers, Schmidhuber, Cummins (2000). Learning to forget: continual prediction with LSTM.
    Neural Computation 12(10).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import LSTMBehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = LSTMBehaviorClassifier(epochs=30, learning_rate=0.02, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    def __init__(
        self,
        *,
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
        class_weight=None,
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
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.verbose = verbose
        self.init = init
        self.freeze = freeze
        self.random_state = random_state
        self._keep_routed(routed)
