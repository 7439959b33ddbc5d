"""What an estimator takes over from an embedder, and which of its layers stay as they are."""

import re
import warnings

from sklearn.frozen import FrozenEstimator

from skbseq.estimators._embedder import BehaviorEmbedder
from skbseq.preprocessing._sequence_encoder import fingerprints_of

# Fields of a spec that decide the shapes of the weights that are taken over.
_ALIKE = ("network", "units", "n_layers", "bidirectional")
# Layers that look for events, or join the context: not of what reads the events.
_OF_A_HEAD = re.compile(r"(codes|sought)_\d+|told|joined").fullmatch
_OWN_ENCODER = (
    "Encode with the embedder's own encoder: "
    "make_pipeline(FrozenEstimator(embedder.encoder_), estimator)."
)

TRANSFER_CONSTRAINTS = {"init": "no_validation", "freeze": [str, list, tuple, None]}


def take_over(estimator, spec, layer_names):
    """The spec with the frozen layers, and the weights to begin with, by name.

    Parameters
    ----------
    estimator : estimator
        With the parameters ``init`` and ``freeze``.
    spec : dict
        Fields of the network's spec.
    layer_names : callable
        From a spec to the names of its layers.

    Returns
    -------
    spec : dict
    start : dict of str to ndarray
    """
    start = {}
    # Not every network begins from another; of what it does not take the fit refuses the name.
    named = estimator._get_param_names()
    if "init" in named and estimator.init is not None:
        embedder = find_embedder(estimator.init)
        _check_same_channels(embedder, estimator.schema_)
        # A hundred samples need not show all codes that the encoder has.
        sizes = ("vocabulary_sizes", "embedding_dims")
        spec = spec | {name: embedder.spec_[name] for name in sizes}
        estimator.schema_.vocabulary_sizes = dict(embedder.schema_.vocabulary_sizes)
        start = weights_of(embedder, spec)
    if "freeze" in named and estimator.freeze is not None:
        layers = layer_names(spec)
        if estimator.init is not None:
            learnt = {name.partition("/")[0] for name in start}
        elif estimator.warm_start and hasattr(estimator, "weights_"):
            learnt = set(layers) - {"joined", "logits"}
        else:
            raise ValueError(
                f"freeze={estimator.freeze!r} leaves layers as they begin, which without init is "
                "at random. Give init, a fitted BehaviorEmbedder, or leave freeze out."
            )
        spec = spec | {"frozen": frozen_layers(estimator.freeze, layers, learnt)}
    return spec, start


def find_embedder(init):
    """The fitted embedder that ``init`` names.

    Raises
    ------
    TypeError
        If it is no embedder.
    ValueError
        If it is not fitted, as after a clone.
    """
    embedder = init.estimator if isinstance(init, FrozenEstimator) else init
    if not isinstance(embedder, BehaviorEmbedder):
        raise TypeError(f"init must be a fitted BehaviorEmbedder; got {type(embedder).__name__}.")
    if not hasattr(embedder, "weights_"):
        raise ValueError(
            "The BehaviorEmbedder of init is not fitted. Cross-validation and searches clone what "
            "they are given, and a clone has learnt nothing: give "
            "init=sklearn.frozen.FrozenEstimator(embedder), which stays as it is."
        )
    return embedder


def _check_same_channels(embedder, ours):
    """Refuse a frame that the embedder's encoder did not make, as far as that can be told."""
    theirs, sizes = embedder.schema_, ours.vocabulary_sizes
    same = list(sizes) == list(theirs.vocabulary_sizes) and ours.numbers == theirs.numbers
    if not same or any(size > theirs.vocabulary_sizes[name] for name, size in sizes.items()):
        raise ValueError(
            f"The embedder of init was fitted on {theirs} (vocabularies of "
            f"{list(theirs.vocabulary_sizes.values())}), and this estimator on {ours} "
            f"(vocabularies of {list(sizes.values())}). {_OWN_ENCODER}"
        )
    marks = fingerprints_of(embedder.encoder_)
    for name, mark in ours.marks.items():
        if mark != marks.get(name, mark):
            raise ValueError(
                f"Channel {name!r} was not encoded by the encoder of the embedder of init, but by "
                f"another one, whose codes or scale differ. {_OWN_ENCODER}"
            )
    fewer = [n for n, size in sizes.items() if size < theirs.vocabulary_sizes[n]]
    unknown = [name for name in fewer if name not in ours.marks]
    if unknown:
        warnings.warn(
            f"The embedder of init knows more codes of {unknown[0]!r} than there are here, and "
            "the frame does not tell which encoder made it, as those of polars never do. If it "
            f"was another, the codes mean something else. {_OWN_ENCODER} After "
            "set_output(transform='pandas') its frames tell.",
            UserWarning,
            stacklevel=2,
        )


def weights_of(embedder, spec):
    """Weights to begin with, by name, of everything below the head.

    Raises
    ------
    ValueError
        If the embedder's network is of another kind or size.
    """
    for name in _ALIKE:
        if embedder.spec_[name] != spec[name]:
            raise ValueError(
                f"{name} differs from that of the embedder of init: it is {spec[name]} here and "
                f"{embedder.spec_[name]} there. Make both alike."
            )
    named = zip(embedder._weight_names, embedder.weights_, strict=True)
    return {name: weight for name, weight in named if not _OF_A_HEAD(name.partition("/")[0])}


def frozen_layers(freeze, layers, learnt):
    """Names of the layers that stay as they begin.

    Parameters
    ----------
    freeze : "embeddings", "network", or list of str
        All embeddings; all that have been learnt; or layers by name.
    layers : list of str
        Layers there are.
    learnt : set of str
        Those that do not begin at random.

    Raises
    ------
    ValueError
        If there is no such layer, or it begins at random.
    """
    known = tuple(name for name in layers if name in learnt)
    if freeze == "embeddings":
        return tuple(name for name in known if name.startswith("embedding_"))
    if freeze == "network":
        return known
    names = [freeze] if isinstance(freeze, str) else list(freeze)
    for name in names:
        if name not in layers:
            raise ValueError(
                f"freeze={freeze!r} names the layer {name!r}, which the network has not. It has "
                f"{', '.join(layers)}; 'embeddings' and 'network' stand for groups of them."
            )
        if name not in learnt:
            raise ValueError(
                f"freeze={freeze!r} names the layer {name!r}, which begins at random. Learnt are "
                f"{', '.join(known)}."
            )
    return tuple(layer for layer in layers if layer in names)
