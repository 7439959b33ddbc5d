"""Parameters shared by estimators: constraints and documentation."""

import inspect
from dataclasses import dataclass, field
from numbers import Integral, Real

from skbseq._checks import Interval, StrOptions

LAYERS = [Interval(Integral, 1, 100, closed="both")]
ONE_OR_MORE = [Interval(Integral, 1, None, closed="left")]
SHARE = [Interval(Real, 0, 1, closed="left")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
EMPTY = inspect.Parameter.empty


@dataclass(frozen=True)
class Option:
    """A parameter of an estimator, or an argument of a network.

    Parameters
    ----------
    default : object
        Its default. ``EMPTY`` if there is none, or if each estimator has its own.
    constraint : list, default=["no_validation"]
        What scikit-learn's parameter validation accepts.
    kind : str, default="object"
        Its type, as the documentation states it.
    text : str, default=""
        Its description.
    """

    default: object
    constraint: list | str = field(default="no_validation", hash=False)
    kind: str = "object"
    text: str = ""


def _of_all(constraint, kind, text):
    return Option(EMPTY, constraint, kind, text)


PARAMETERS = {
    "loss": _of_all(
        [
            StrOptions(
                {"squared_error", "absolute_error", "huber", "squared_log_error", "poisson"}
                | {"quantile"}
            )
        ],
        '{"squared_error", "absolute_error", "huber", "squared_log_error", "poisson", "quantile"}',
        """
        Loss to minimise. It decides what is predicted: the mean ("squared_error"), the median
        ("absolute_error"), a compromise that is robust to outliers ("huber"), the mean of the
        logarithm ("squared_log_error"), the mean of a count or an amount, which is never negative
        ("poisson"), or quantiles ("quantile"). See Notes for the formulas.
        """,
    ),
    "quantile": _of_all(
        [Interval(Real, 0, 1, closed="neither"), list, tuple],
        "float or list of float",
        """
        Levels between 0 and 1, in ascending order, for ``loss="quantile"``; other losses ignore
        them. A list gives one column per level.
        """,
    ),
    "network": _of_all(
        [str, callable],
        "str or callable",
        """
        "lstm", "gru", "rnn", "cnn", "transformer", "sasrec", "esasrec", "hstu" or "bag"; or your
        own function, which takes the embedded events and their lengths and returns one vector per
        event or per history. Options of the network are set, and searched, as
        ``network__n_heads=2``.
        """,
    ),
    "units": _of_all(ONE_OR_MORE, "int", "Size of the hidden state, the vector of each event."),
    "n_layers": _of_all(
        [*LAYERS, None],
        "int",
        """
        Number of stacked layers, 1 to 100. None: the network's own default, 1 for recurrent
        networks, 4 for "cnn", 2 for the others. "bag" has one layer.
        """,
    ),
    "bidirectional": _of_all(
        ["boolean"],
        "bool",
        """
        Whether the network also reads the events backwards; only for "lstm", "gru", "rnn" and
        "transformer".
        """,
    ),
    "embedding_dim": _of_all(
        [*ONE_OR_MORE, None],
        "int",
        """
        Size of the embedding of each categorical channel. None: ``min(32, 2 n ** (1 / 3))`` for
        n codes.
        """,
    ),
    "dropout": _of_all(
        [*SHARE, None],
        "float",
        """
        Share of the inputs of each layer, and of the last vector, set to zero in training. None:
        the network's own default, 0.1 for "cnn" and "transformer", 0.2 for "sasrec", "esasrec" and
        "hstu", and 0 for the others.
        """,
    ),
    "embedding_dropout": _of_all(
        SHARE,
        "float",
        """
        Share of the events whose embedding is set to zero in training, separately in each
        categorical channel, so that the network does not rely on single events.
        """,
    ),
    "recurrent_dropout": _of_all(
        SHARE,
        "float",
        """
        Share of the recurrent state set to zero in training, for "lstm", "gru" and "rnn". On a
        GPU it rules cuDNN out.
        """,
    ),
    "l1": _of_all(
        _NOT_NEGATIVE, "float", "Weight of the sum of absolute kernel weights in the loss."
    ),
    "l2": _of_all(
        _NOT_NEGATIVE, "float", "Weight of the sum of squared kernel weights in the loss."
    ),
    "label_smoothing": _of_all(
        SHARE,
        "float",
        """
        Share of each label that is spread evenly over all classes in training, to reduce
        overconfidence. If y has several columns, it is spread over 0 and 1 of each. ``val_loss``
        uses the original labels.
        """,
    ),
    "augment": _of_all(
        "no_validation",
        "Augmentation",
        """
        Random augmentation of the training histories in each epoch. None: no augmentation. Its
        parameters are searched as ``augment__mask``.
        """,
    ),
    "pooling": _of_all(
        [StrOptions({"last", "mean", "max", "attention"})],
        '{"last", "mean", "max", "attention"}',
        """
        How the vectors of all events are reduced to one: the last, the mean, the maximum, or a
        mean with learned weights (additive attention).
        """,
    ),
    "optimizer": _of_all(
        "no_validation",
        "str, class or keras.optimizers.Optimizer",
        "Keras optimizer. Its parameters are routed: ``optimizer__weight_decay=0.01``.",
    ),
    "learning_rate": _of_all(
        _POSITIVE,
        "float",
        """
        Learning rate. ``optimizer__learning_rate``, or the learning rate of an optimizer
        instance, takes precedence.
        """,
    ),
    "batch_size": _of_all(ONE_OR_MORE, "int", "Number of samples per step of the optimizer."),
    "epochs": _of_all(ONE_OR_MORE, "int", "Maximum number of passes over the training samples."),
    "validation_split": _of_all(
        SHARE,
        "float",
        """
        Share of the samples held out for ``val_loss``, drawn at random and, for classifiers,
        stratified by class. 0: none.
        """,
    ),
    "early_stopping": _of_all(
        ["boolean", *ONE_OR_MORE],
        "bool or int",
        """
        Stop after this many epochs (True: 5) without an improvement of ``val_loss``. The weights
        kept, of ``best_epoch_``, are those with the lowest ``val_loss``. If 200 samples or more
        are held out, they are those of the latest epoch as good as the best: its ``val_loss``
        exceeds the lowest by no more than a standard error of their difference. Without held-out
        samples, training runs for all epochs, and the last weights are kept.
        """,
    ),
    "class_weight": _of_all(
        [dict, StrOptions({"balanced"}), None],
        'dict or "balanced"',
        "Weights of the classes, zero or more. They multiply ``sample_weight``.",
    ),
    "average_weights": _of_all(
        ["boolean"],
        "bool",
        """
        Whether the weights are averaged over the later part of training, about its last fifth,
        rather than those of the last step. Results then depend less on the seed. ``val_loss`` is
        that of the averaged weights. Large embedding tables of classifiers and regressors,
        those of half a million ids or more, ``partial_fit``, and an optimizer with
        ``use_ema=True`` are left as they are.
        """,
    ),
    "callbacks": _of_all(
        "no_validation",
        "list of keras.callbacks.Callback or of such classes",
        "Keras callbacks. Parameters of classes are routed: ``callbacks__0__patience=3``.",
    ),
    "warm_start": _of_all(
        ["boolean"], "bool", "Whether another ``fit`` continues from the weights of the last."
    ),
    "device": _of_all(
        [str],
        "str",
        """
        Device to train on: "auto" (the GPUs if there are any, else the CPU), "cpu", "gpu", a name
        such as "/GPU:1", or several names separated by commas. Several devices share each batch.
        Small networks train faster on a CPU with many cores.
        """,
    ),
    "precision": _of_all(
        [StrOptions({"auto", "float32", "mixed_float16", "mixed_bfloat16"})],
        '{"auto", "float32", "mixed_float16", "mixed_bfloat16"}',
        """
        Precision of the layers. "auto" is float32, except on GPUs whose tensor cores support
        float16 but not float32 (compute capability 7). There it is mixed_float16 if ``units`` is
        a multiple of 8 and at least 512.
        """,
    ),
    "verbose": _of_all(
        [Interval(Integral, 0, 2, closed="both"), "boolean"],
        "int",
        """
        0: silent, 1: progress bar, 2: one line per epoch. With 1 or 2, the device, the precision
        and the share of padding are printed too.
        """,
    ),
    "init": _of_all(
        "no_validation",
        "BehaviorEmbedder",
        """
        Fitted embedder from whose weights training starts; its embedding sizes are used. The
        frame must come from its encoder, ``embedder.encoder_``. In searches and cross-validation,
        pass ``sklearn.frozen.FrozenEstimator(embedder)``.
        """,
    ),
    "freeze": _of_all(
        [str, list, tuple, None],
        '{"embeddings", "network"}, list of str, or None',
        """
        Layers that keep their weights from ``init`` during training: all embeddings, all layers
        taken from the embedder, or some of these, by their names in ``model_``.
        """,
    ),
    "adapter_rank": _of_all(
        [*ONE_OR_MORE, None],
        "int",
        """
        Rank of low-rank adapters (LoRA). All layers from ``init`` are frozen, and a trained
        product of two matrices of this rank is added to each of their dense and convolution
        kernels. ``fit`` merges the products into the kernels. Layers that ``freeze`` names get
        none. Not for "lstm", "gru" and "rnn". None: no adapters.
        """,
    ),
    "random_state": _of_all(
        ["random_state"],
        "int, RandomState instance or None",
        """
        Seeds weights, shuffling, splitting and dropout. The same int gives exactly the same fit
        on a CPU. No global random state is read or set.
        """,
    ),
    "**routed": _of_all(
        "no_validation",
        "dict",
        """
        Parameters for {network}``optimizer__``, ``callbacks__`` and ``fit__`` (batch_size, epochs,
        verbose).
        """,
    ),
}


def constraints_of(*names):
    """scikit-learn's constraints of some of the parameters, by name."""
    return {name: PARAMETERS[name].constraint for name in names}
