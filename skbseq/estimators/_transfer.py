"""Weights that a fit takes over: from an embedder, or from the fit before; and frozen layers."""

import copy
import warnings
from dataclasses import replace

import numpy as np
from sklearn.frozen import FrozenEstimator

from skbseq._checks import as_names
from skbseq._sequences import UNKNOWN, ranges
from skbseq.estimators._embedder import BehaviorEmbedder
from skbseq.estimators._sequence_model import Start, engine
from skbseq.networks import find_network
from skbseq.networks._network import as_text
from skbseq.networks._table import network_names
from skbseq.preprocessing._sequence_encoder import fingerprints_of

# Fields of a spec that decide the shapes of the weights that are taken over.
_ALIKE = ("network", "units", "n_layers", "bidirectional", "history_token", "options")
# Share of events without a code from which on a channel says little.
_MOST_UNKNOWN = 0.5
_NOTHING_LEARNED = {
    False: (
        "freeze={freeze!r} leaves layers at their initial weights, which without init are random. "
        "Give init, a fitted BehaviorEmbedder, or leave freeze out."
    ),
    True: (
        "adapter_rank={rank} adapts nothing: without init all weights are random. Give init, a "
        "fitted BehaviorEmbedder, or leave adapter_rank out."
    ),
}
_OWN_ENCODER = (
    "Encode with the embedder's own encoder: "
    "make_pipeline(FrozenEstimator(embedder.encoder_), estimator)."
)


def starting_point(estimator, spec, data, *, resume):
    """The spec with its frozen layers, and where training begins.

    Parameters
    ----------
    estimator : estimator
        With the parameters ``init`` and ``freeze``, and ``adapter_rank`` if its network can have
        adapters.
    spec : NetworkSpec
    data : Sequences
        That it is fitted on.
    resume : bool
        Whether the fit continues from the last one.

    Returns
    -------
    spec : NetworkSpec
    start : Start
    """
    taken, freeze = {}, estimator.freeze
    rank = getattr(estimator, "adapter_rank", None)
    if estimator.init is not None:
        spec, taken = _take_over(estimator, spec, data)
    earlier = estimator._sequence_model if resume else None
    if freeze is None and rank is None:
        return spec, Start(earlier, taken)
    if not taken and earlier is None:
        raise ValueError(_NOTHING_LEARNED[rank is not None].format(freeze=freeze, rank=rank))
    layers, heads = engine().layer_names(spec)
    learned = _layers_of(taken, layers) if taken else set(layers) - heads
    frozen = () if freeze is None else frozen_layers(freeze, layers, learned)
    if rank is not None:
        spec = replace(spec, adapters=_adapters(estimator, spec, learned, frozen))
        frozen = tuple(layer for layer in layers if layer in learned)
    return replace(spec, frozen=frozen), Start(earlier, taken)


def _take_over(estimator, spec, data):
    """The spec for the weights of the estimator's embedder, and these weights by name."""
    embedder = find_embedder(estimator.init)
    _check_same_channels(embedder, estimator.schema_)
    _warn_of_unknown_ids(embedder, data)
    # A hundred samples may not show all codes that the encoder has.
    same = ("vocabulary_sizes", "embedding_dims", "gap")
    spec = replace(spec, **{name: getattr(embedder.spec_, name) for name in same})
    # A copy, so that a fit that fails leaves the schema as it was.
    schema = copy.copy(estimator.schema_)
    schema.vocabulary_sizes = dict(embedder.schema_.vocabulary_sizes)
    # The embedder knows the scale of the times even where the frame does not tell it.
    schema.gap_scales = dict(embedder.schema_.gap_scales)
    estimator._sequence_model = replace(estimator._sequence_model, schema=schema)
    # By name: heads differ, and everything below them is called the same in both.
    return spec, weights_of(embedder, spec)


def _layers_of(weights, layers):
    """Layers that have some of these weights."""
    # Names of weights are those of their layer, and what follows the last stroke.
    owners = {name.rpartition("/")[0] for name in weights}
    return {layer for layer in layers if any(_within(name, layer) for name in owners)}


def _adapters(estimator, spec, learned, kept):
    """Which of the learned layers have adapters, but for those that are kept; with their rank.

    Raises
    ------
    ValueError
        If no layer can have one, or one is too small for the rank.
    """
    rank, network = int(estimator.adapter_rank), find_network(spec.network)
    largest = {n: most for n, most in engine().adapter_ranks(spec).items() if n in learned}
    if not largest:
        others = network_names(lambda other: not other.is_recurrent)
        raise ValueError(
            f"adapter_rank={rank} adapts nothing: network={network.label} has no dense or "
            f"convolution kernel below its head. Those that have are {others}, and functions with "
            "such layers of Keras. Leave adapter_rank out, or pretrain one of these."
        )
    adapted = {n: most for n, most in largest.items() if n not in kept}
    if not adapted:
        raise ValueError(
            f"adapter_rank={rank} adapts nothing: freeze={estimator.freeze!r} keeps all layers "
            f"that could have an adapter ({', '.join(largest)}). Leave freeze out; with adapters "
            "all layers from init are frozen."
        )
    _check_rank(rank, adapted, kept)
    return tuple((name, rank) for name in adapted)


def _check_rank(rank, adapted, kept):
    """Refuse a rank that is more than a kernel can have."""
    name = min(adapted, key=adapted.get)
    most = adapted[name]
    if rank <= most:
        return
    small = [layer for layer in adapted if adapted[layer] < rank]
    others = f" or keep the layer without an adapter: freeze={[*kept, *small]!r}"
    if len(small) == len(adapted):
        others = ""
    if not most:
        raise ValueError(
            f"The kernel of layer {name!r} has a constraint, which a kernel with a product added "
            f"may break. Remove the kernel_constraint{',' * bool(others)}{others}."
        )
    raise ValueError(
        f"adapter_rank={rank} is larger than the smaller side of the kernel of layer {name!r}. "
        f"Give {most} at most{',' * bool(others)}{others}."
    )


def _within(name, layer):
    return name == layer or name.startswith(f"{layer}/")


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
    if not embedder.__sklearn_is_fitted__():
        raise ValueError(
            "The BehaviorEmbedder of init is not fitted. Cross-validation and searches clone what "
            "they are given, and a clone has learned nothing: give "
            "init=sklearn.frozen.FrozenEstimator(embedder), which stays as it is."
        )
    return embedder


def _check_same_channels(embedder, ours):
    """Refuse a frame that the embedder's encoder did not make, as far as that can be known."""
    theirs, sizes = embedder.schema_, ours.vocabulary_sizes
    same = list(sizes) == list(theirs.vocabulary_sizes) and ours.numbers == theirs.numbers
    if not same or any(size > theirs.vocabulary_sizes[name] for name, size in sizes.items()):
        raise ValueError(
            f"The embedder of init was fitted on {theirs} (vocabularies of "
            f"{list(theirs.vocabulary_sizes.values())}), and this estimator on {ours} "
            f"(vocabularies of {list(sizes.values())}). {_OWN_ENCODER}"
        )
    made = fingerprints_of(embedder.encoder_)
    for name, fingerprint in ours.fingerprints.items():
        if fingerprint != made.get(name, fingerprint):
            raise ValueError(
                f"Channel {name!r} was not encoded by the encoder of the embedder of init, but by "
                f"another one, whose codes or scale differ. {_OWN_ENCODER}"
            )
    fewer = [n for n, size in sizes.items() if size < theirs.vocabulary_sizes[n]]
    unknown = [name for name in fewer if name not in ours.fingerprints]
    if unknown:
        warnings.warn(
            f"The embedder of init knows more codes of {unknown[0]!r} than there are here, and "
            "the frame does not tell which encoder made it, as those of polars never do. If it "
            f"was another, the codes mean something else. {_OWN_ENCODER} After "
            "set_output(transform='pandas') its frames tell.",
            UserWarning,
            stacklevel=2,
        )


def _warn_of_unknown_ids(embedder, data):
    """Warn if most events of a channel have ids without a code, as those of another shop."""
    names = list(embedder.schema_.vocabulary_sizes)
    at_fit = {row["column"]: row["unknown"] or 0 for row in embedder.encoder_._described()}
    at, _ = ranges(data.starts, data.starts + data.lengths)
    for place, name in enumerate(names):
        share = np.mean(data.codes[at, place] == UNKNOWN) if len(at) else 0
        if share > max(_MOST_UNKNOWN, 2 * at_fit.get(name, 0)):
            others = [other for other in names if other != name]
            warnings.warn(
                f"Of the events of {name!r}, {share:.0%} have an id that the encoder of init does "
                f"not know ({at_fit.get(name, 0):.0%} when it was fitted), so its weights say "
                "nothing of them. If the log is of another shop or time, pretrain on channels "
                f"that mean the same in both: BehaviorEmbedder(SequenceEncoder(categorical="
                f"{others!r})).",
                UserWarning,
                stacklevel=2,
            )


def weights_of(embedder, spec):
    """Weights to begin with, by name, of everything below the heads.

    Raises
    ------
    ValueError
        If the embedder has another network, or one of another size.
    """
    for name in _ALIKE:
        theirs, ours = (getattr(one, name) for one in (embedder.spec_, spec))
        if theirs != ours:
            raise ValueError(
                f"{name} differs from that of the embedder of init: it is {as_text(ours)} here "
                f"and {as_text(theirs)} there. Make both the same."
            )
    return embedder._sequence_model.weights_below_heads()


def frozen_layers(freeze, layers, learned):
    """Names of the layers that stay at their initial weights.

    Parameters
    ----------
    freeze : "embeddings", "network", or list of str
        All embeddings; all that have been learned; or layers by name.
    layers : list of str
        Layers there are.
    learned : set of str
        Those that do not begin at random.

    Raises
    ------
    ValueError
        If there is no such layer, or it begins at random.
    """
    known = tuple(name for name in layers if name in learned)
    if isinstance(freeze, str) and freeze == "embeddings":
        return tuple(name for name in known if name.startswith("embedding_"))
    if isinstance(freeze, str) and freeze == "network":
        return known
    names = as_names("freeze", freeze, empty=True)
    for name in names:
        if name not in layers:
            raise ValueError(
                f"freeze={freeze!r} names the layer {name!r}, which the network does not have. "
                f"It has {', '.join(layers)}; 'embeddings' and 'network' stand for groups of them."
            )
        if name not in learned:
            raise ValueError(
                f"freeze={freeze!r} names the layer {name!r}, which begins at random. Learned are "
                f"{', '.join(known)}."
            )
    return tuple(layer for layer in layers if layer in names)
