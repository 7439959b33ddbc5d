"""Docstrings of the estimators: what all of them share is written here, once."""

import inspect
import re

from sklearn.base import BaseEstimator, RegressorMixin

from skbseq.estimators._network_mixins import NetworkMixin

# Type and text of each parameter; its default comes from the signature.
_PARAMETERS = {
    "loss": (
        '{"squared_error", "absolute_error", "huber", "squared_log_error", "poisson", "quantile"}',
        """
        What is made small, and so what is predicted: the mean ("squared_error"), the median
        ("absolute_error"), something between them that a few large numbers cannot pull far
        ("huber"), a mean of orders of magnitude ("squared_log_error"), the mean of a count or of
        a spend, which is never negative ("poisson"), or quantiles ("quantile"). For formulas see
        the notes.
        """,
    ),
    "quantile": (
        "float or list of float",
        """
        Levels between 0 and 1, in ascending order, of ``loss="quantile"``; other losses do not
        look at it. A list gives a column for each.
        """,
    ),
    "units": ("int", "Size of the vector of an event."),
    "n_layers": ("int", "Layers, one upon the other."),
    "bidirectional": ("bool", "Whether each layer also reads the events backwards."),
    "embedding_dim": (
        "int",
        """
        Size of the embedding of each categorical channel. None: ``min(32, 2 n ** (1 / 3))`` for
        n codes.
        """,
    ),
    "dropout": (
        "float",
        "Share of the inputs of each layer, and of the last vector, set to zero in training.",
    ),
    "embedding_dropout": (
        "float",
        """
        Share of the events whose embedding is set to zero in training, in each categorical
        channel for itself, so that the network does not lean on single events.
        """,
    ),
    "recurrent_dropout": (
        "float",
        "Share of the recurrent state set to zero in training. On a GPU it rules cuDNN out.",
    ),
    "l1": ("float", "Weight of the sum of absolute kernel weights in the loss."),
    "l2": ("float", "Weight of the sum of squared kernel weights in the loss."),
    "label_smoothing": (
        "float",
        """
        Share of each label that is spread evenly over all classes in training, against
        probabilities too near to 0 and 1; over yes and no, where y has several columns.
        ``val_loss`` is of the labels as they are.
        """,
    ),
    "augment": (
        "Augmentation",
        """
        How training histories are changed at random in each epoch. None: not at all. Its
        parameters are searched as ``augment__mask``.
        """,
    ),
    "pooling": (
        '{"last", "mean", "max", "attention"}',
        """
        How the vectors of all events become one: the last, their mean, their largest values, or
        their mean by learned weights (additive attention).
        """,
    ),
    "optimizer": (
        "str, class or keras.optimizers.Optimizer",
        "Keras optimizer. Its parameters are routed: ``optimizer__weight_decay=0.01``.",
    ),
    "learning_rate": (
        "float",
        """
        Learning rate; ``optimizer__learning_rate``, or that of an optimizer instance, goes
        before it.
        """,
    ),
    "batch_size": ("int", "Samples in a step of the optimizer."),
    "epochs": ("int", "Passes over the training samples, at most."),
    "validation_split": (
        "float",
        """
        Share of the samples held out, shuffled and stratified by classes, if there are any, for
        ``val_loss``. 0: none.
        """,
    ),
    "early_stopping": (
        "bool or int",
        """
        Stop after so many epochs (True: 5) without a better ``val_loss`` and restore the best
        weights. Without held-out samples training runs through all epochs.
        """,
    ),
    "class_weight": (
        'dict or "balanced"',
        "Weights of the classes, zero or more, multiplied with ``sample_weight``.",
    ),
    "callbacks": (
        "list of keras.callbacks.Callback or of such classes",
        "Parameters of classes are routed: ``callbacks__0__patience=3``.",
    ),
    "warm_start": ("bool", "Whether a further ``fit`` goes on from the weights of the last."),
    "device": (
        "str",
        """
        "auto" takes the GPUs where there are any; or "cpu", "gpu", or a name such as "/GPU:1",
        or several joined by commas. Several devices share each batch. Small
        networks train faster on a CPU of many cores.
        """,
    ),
    "precision": (
        '{"auto", "float32", "mixed_float16", "mixed_bfloat16"}',
        """
        Precision of the layers. "auto" is float32, and mixed_float16 on GPUs whose tensor cores
        take float16 and not float32 (compute capability 7) where ``units`` is a multiple of 8 and
        at least 512.
        """,
    ),
    "verbose": (
        "int",
        """
        0 for silence, 1 for a progress bar, 2 for a line per epoch. From 1 on also the device,
        the precision and the share of padding are told.
        """,
    ),
    "init": (
        "BehaviorEmbedder",
        """
        Fitted: training begins from its weights, with its sizes of embeddings. The frame must
        come from its own encoder, ``embedder.encoder_``. In searches and cross-validation give
        ``sklearn.frozen.FrozenEstimator(embedder)``.
        """,
    ),
    "freeze": (
        '{"embeddings", "network"}, list of str, or None',
        """
        Layers that training leaves as ``init`` gave them: all embeddings, all that came from
        there, or some of these by the names that ``model_`` has.
        """,
    ),
    "random_state": (
        "int, RandomState instance or None",
        """
        Seeds weights, shuffling, splitting and dropout. The same int gives the same fit bit for
        bit on a CPU; no global random state is touched.
        """,
    ),
    "**routed": (
        "dict",
        """
        Parameters for ``optimizer__``, ``callbacks__`` and ``fit__`` (batch_size, epochs,
        verbose).
        """,
    ),
}
_OF_CLASSIFIERS = {
    "classes_": ("ndarray of shape (n_classes,)", "Labels in ascending order, or one per column."),
    "multilabel_": ("bool", "Whether y had several columns."),
}
_ATTRIBUTES = {
    "history_": (
        "dict of str to list of float",
        "``loss``, and ``val_loss`` where samples were held out, of each epoch.",
    ),
    "n_features_in_": ("int", "Columns of the frame, or time steps of the array, seen at fit."),
    "feature_names_in_": ("ndarray of str", "Names of the columns, where X was a frame."),
    "n_iter_": ("int", "Epochs run."),
    "device_": ("str", "Where the network was trained."),
    "padding_": ("float", "Share of the steps of the last epoch's batches that were padding."),
    "model_": ("keras.Model", "The network, built anew at each access, giving logits."),
}
_OF_REGRESSORS = {
    "model_": (
        "keras.Model",
        "The network, built anew at each access, giving numbers on its own scale.",
    ),
}
_RAISES = """\
SequenceFrameError
    If the frame is not encoded, lacks a column seen at fit, holds NaN, or, at fit, a code
    above 10 million.
TypeError
    If X is neither table, list nor array, or there is no parameter of a name.
ValueError
"""
_WRONG_LABELS = """\
    If y has one class only, another length, or labels that are missing or of several kinds,
    or a parameter is not valid."""
_WRONG_NUMBERS = """\
    If y has another length, holds what is no finite number, or a negative one where the loss
    takes none, or zeros alone with ``loss="poisson"``; if loss or quantile were changed before
    a fit that goes on; or a parameter is not valid."""


def documented(cls):
    """Complete the docstring of an estimator that documents only what is its own.

    Its section of parameters gets all of the signature, in their order and with their defaults;
    what it says itself of one goes before what its network says, and that before the text that all
    share. Attributes and errors follow.

    Parameters
    ----------
    cls : type

    Returns
    -------
    type
        The class itself.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    head, own, tail = _split(inspect.cleandoc(cls.__doc__))
    attributes, wrong = _learnt_by(cls)
    attributes = [_entry(name, *told) for name, told in attributes.items()]
    sections = [
        head,
        _section("Parameters", "\n".join(_parameters(cls, own))),
        _section("Attributes", "\n".join(attributes)),
        _section("Raises", _RAISES + wrong),
        tail,
    ]
    cls.__doc__ = "\n\n".join(filter(None, sections)) + "\n"
    return cls


def _learnt_by(cls):
    """Attributes, and which values are wrong."""
    if issubclass(cls, RegressorMixin):
        return _ATTRIBUTES | _OF_REGRESSORS, _WRONG_NUMBERS
    return _OF_CLASSIFIERS | _ATTRIBUTES, _WRONG_LABELS


def _split(doc):
    """What stands before the parameters, type and text of each that is told, and what follows."""
    head, underline, rest = doc.partition("Parameters\n----------\n")
    if not underline:
        parts = re.split(r"\n\n(?=\w+\n-{3,}\n)", doc, maxsplit=1)
        return parts[0], {}, parts[1] if len(parts) > 1 else ""
    told, *tail = re.split(r"\n\n(?=\w+\n-{3,}\n)", rest, maxsplit=1)
    entries = re.findall(r"^(\S+) : (.+)\n((?:(?: .*)?\n)+)", told + "\n", re.M)
    return head.rstrip(), {name: told for name, *told in entries}, "".join(tail)


def _parameters(cls, own):
    unknown = set(own)
    told = {**_PARAMETERS, **_told_by_network(cls), **own}
    for name, parameter in inspect.signature(cls).parameters.items():
        name = f"**{name}" if parameter.kind is parameter.VAR_KEYWORD else name
        unknown.discard(name)
        kind, text = told[name]
        if parameter.default is not parameter.empty:
            kind = f"{kind}, default={_written(parameter.default)}"
        yield _entry(name, kind, text)
    if unknown:
        raise TypeError(f"{cls.__name__} documents {sorted(unknown)}, which it does not take.")


def _told_by_network(cls):
    told = {}
    for base in cls.__mro__[1:]:
        if issubclass(base, NetworkMixin) and not issubclass(base, BaseEstimator):
            told = _split(inspect.cleandoc(base.__doc__))[1] | told
    return told


def _written(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _entry(name, kind, text):
    lines = inspect.cleandoc(text).splitlines()
    return "\n".join([f"{name} : {kind}", *(f"    {line}" for line in lines)])


def _section(title, text):
    return f"{title}\n{'-' * len(title)}\n{text}"
