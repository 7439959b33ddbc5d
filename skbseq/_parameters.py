"""Parameters that estimators share: what is valid, and what the documentation says of each."""

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
        What training minimises, and so what is predicted: the mean ("squared_error"), the median
        ("absolute_error"), a compromise that a few large numbers cannot pull far ("huber"), a
        mean of orders of magnitude ("squared_log_error"), the mean of a count or of a spend,
        which is never negative ("poisson"), or quantiles ("quantile"). The notes have the
        formulas.
        """,
    ),
    "quantile": _of_all(
        [Interval(Real, 0, 1, closed="neither"), list, tuple],
        "float or list of float",
        """
        Levels between 0 and 1, in ascending order, of ``loss="quantile"``; other losses ignore
        it. A list gives a column for each.
        """,
    ),
    "network": _of_all(
        [str, callable],
        "str or callable",
        """
        "lstm", "gru", "rnn", "cnn", "transformer" or "bag"; or your own function of the embedded
        events and their lengths that returns a vector per event, or one per history. Arguments
        of the network are set, and searched, as ``network__n_heads=2``.
        """,
    ),
    "units": _of_all(ONE_OR_MORE, "int", "Size of the vector of an event."),
    "n_layers": _of_all(
        [*LAYERS, None],
        "int",
        """
        Stacked layers, 1 to 100. None: the network's own default, 1 for recurrent networks, 2 for
        "transformer", 4 for "cnn". "bag" has one layer.
        """,
    ),
    "bidirectional": _of_all(
        ["boolean"],
        "bool",
        'Whether the network also reads the events backwards; not for "cnn" and "bag".',
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
        the network's own default, 0.1 for "cnn" and "transformer" and 0 for the others.
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
        Share of each label that is spread evenly over all classes in training, against
        overconfident probabilities; over yes and no, where y has several columns. ``val_loss``
        is computed with the labels as given.
        """,
    ),
    "augment": _of_all(
        "no_validation",
        "Augmentation",
        """
        How training histories are changed at random in each epoch. None: not at all. Its
        parameters are searched as ``augment__mask``.
        """,
    ),
    "pooling": _of_all(
        [StrOptions({"last", "mean", "max", "attention"})],
        '{"last", "mean", "max", "attention"}',
        """
        How the vectors of all events become one: the last, their mean, their largest values, or
        their mean by learned weights (additive attention).
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
        Learning rate; ``optimizer__learning_rate``, or that of an optimizer instance, takes
        precedence.
        """,
    ),
    "batch_size": _of_all(ONE_OR_MORE, "int", "Samples in a step of the optimizer."),
    "epochs": _of_all(ONE_OR_MORE, "int", "Passes over the training samples, at most."),
    "validation_split": _of_all(
        SHARE,
        "float",
        """
        Share of the samples held out for ``val_loss``, shuffled and, if there are classes,
        stratified by them. 0: none.
        """,
    ),
    "early_stopping": _of_all(
        ["boolean", *ONE_OR_MORE],
        "bool or int",
        """
        Stop after so many epochs (True: 5) without a better ``val_loss`` and restore the best
        weights. Without held-out samples training runs through all epochs.
        """,
    ),
    "class_weight": _of_all(
        [dict, StrOptions({"balanced"}), None],
        'dict or "balanced"',
        "Weights of the classes, zero or more, multiplied with ``sample_weight``.",
    ),
    "callbacks": _of_all(
        "no_validation",
        "list of keras.callbacks.Callback or of such classes",
        "Parameters of classes are routed: ``callbacks__0__patience=3``.",
    ),
    "warm_start": _of_all(
        ["boolean"], "bool", "Whether a further ``fit`` continues from the weights of the last."
    ),
    "device": _of_all(
        [str],
        "str",
        """
        "auto" takes the GPUs if there are any; or "cpu", "gpu", or a name such as "/GPU:1", or
        several joined by commas. Several devices share each batch. Small networks train faster
        on a CPU of many cores.
        """,
    ),
    "precision": _of_all(
        [StrOptions({"auto", "float32", "mixed_float16", "mixed_bfloat16"})],
        '{"auto", "float32", "mixed_float16", "mixed_bfloat16"}',
        """
        Precision of the layers. "auto" is float32, and mixed_float16 on GPUs whose tensor cores
        take float16 and not float32 (compute capability 7) where ``units`` is a multiple of 8 and
        at least 512.
        """,
    ),
    "verbose": _of_all(
        [Interval(Integral, 0, 2, closed="both"), "boolean"],
        "int",
        """
        0 for silence, 1 for a progress bar, 2 for a line per epoch. From 1 on, the device, the
        precision and the share of padding are printed, too.
        """,
    ),
    "init": _of_all(
        "no_validation",
        "BehaviorEmbedder",
        """
        Fitted: training begins from its weights, with its sizes of embeddings. The frame must
        come from its own encoder, ``embedder.encoder_``. In searches and cross-validation give
        ``sklearn.frozen.FrozenEstimator(embedder)``.
        """,
    ),
    "freeze": _of_all(
        [str, list, tuple, None],
        '{"embeddings", "network"}, list of str, or None',
        """
        Layers whose weights training leaves as ``init`` gave them: all embeddings, all that came
        from there, or some of these by the names that ``model_`` has.
        """,
    ),
    "random_state": _of_all(
        ["random_state"],
        "int, RandomState instance or None",
        """
        Seeds weights, shuffling, splitting and dropout. The same int gives the same fit bit for
        bit on a CPU; no global random state is touched.
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
