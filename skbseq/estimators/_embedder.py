"""BehaviorEmbedder: a vector for each history, learnt without labels."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import Interval, StrOptions, fit_context, with_callbacks
from skbseq._sequences import FIRST_CATEGORY, join_sequences, offsets_of
from skbseq._state import all_or_nothing
from skbseq._targets import index_in_classes, read_ids, to_ids
from skbseq.estimators._base import (
    BaseBehaviorEstimator,
    output_width_of,
    weight_names_of,
    without,
)
from skbseq.estimators._cut_back import read_times
from skbseq.preprocessing import SequenceEncoder

# From so many codes on, each batch holds its own against some drawn at random.
_MANY_CODES, _NEGATIVES = 10_000, 2_000
# Earlier moments of each history with objective="future".
_CUTS = 2
_OF_NEIGHBORS = ("neighbor", "similarity")


class BehaviorEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseBehaviorEstimator):
    """Learn a vector for each history, without labels.

    A network learns to foretell each event from those before it, to tell hidden events, or to
    know which parts are of one history. What it has found is a vector of ``units`` numbers per
    history, for any model of scikit-learn, for clusters and for neighbours; and a start for a
    classifier or regressor that has few labels (``init``).

    Parameters
    ----------
    encoder : SequenceEncoder, default=None
        Makes codes and floats of the raw frame; a clone of it is fitted. None: SequenceEncoder
        with its defaults.
    objective : {"next", "masked", "contrastive", "future"}, default="next"
        What is learnt: each event, its codes and its numbers, from the events before it; events
        that are hidden, from those around them, which takes ``bidirectional=True``; which parts
        of histories are of one user; or, of histories cut back to earlier moments at random, how
        soon the next event came. The last needs a channel of times and cutoffs, and serves
        purchase and churn.
    mask_share : float, default=0.15
        With ``objective="masked"``, the share of events that are hidden.
    temperature : float, default=0.1
        With ``objective="contrastive"``, what cosines are divided by.
    network : str, default="lstm"
        Kind of network: "lstm" or another of ``skbseq.networks.NETWORKS``.
    units : int, default=64
        Size of the vectors.
    n_layers : int, default=1
        Stacked layers; "bag" has one alone.
    bidirectional : bool, default=False
        Whether events are read in both directions, which doubles the vectors of a recurrence. Not
        with ``objective="next"``, which would see what it has to foretell, nor with "bag" and
        "cnn", which cannot.
    embedding_dim : int, default=None
        Size of the embedding of each categorical channel. None: ``min(32, 2 n ** (1 / 3))`` for
        n codes.
    pooling : {"last", "mean", "max"}, default="last"
        How the vectors of all events become one.
    dropout : float, default=0.1
        Share of the inputs of each layer set to zero in training.
    optimizer : str, class or keras.optimizers.Optimizer, default="adam"
        Keras optimizer. Its parameters are routed: ``optimizer__weight_decay=0.01``.
    learning_rate : float, default=0.003
        Learning rate.
    batch_size : int, default=64
        Histories in a step of the optimizer. With ``objective="contrastive"`` each is told from
        the others of its batch, so larger ones are harder.
    epochs : int, default=20
        Passes over the histories, at most.
    validation_split : float, default=0.1
        Share of the histories held out for ``val_loss``. 0: none.
    early_stopping : bool or int, default=True
        Stop after so many epochs (True: 5) without a better ``val_loss`` and restore the best
        weights.
    callbacks : list of keras.callbacks.Callback or of such classes, default=None
        Parameters of classes are routed: ``callbacks__0__patience=3``.
    device : str, default="auto"
        "auto" takes a GPU where there is one; or "cpu", "gpu", or a name such as "/GPU:1".
    precision : {"auto", "float32", "mixed_float16", "mixed_bfloat16"}, default="auto"
        Precision of the layers.
    verbose : int, default=0
        0 for silence, 1 for a progress bar, 2 for a line per epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random.
    **routed : dict
        Parameters for ``optimizer__``, ``callbacks__`` and ``fit__`` (batch_size, epochs,
        verbose).

    Attributes
    ----------
    encoder_ : SequenceEncoder
        Fitted. A classifier that starts from the embedder takes what it gives.
    history_ : dict of str to list of float
        ``loss``, and ``val_loss`` where histories were held out, of each epoch.
    n_features_in_ : int
        Columns of the frame seen at fit.
    feature_names_in_ : ndarray of str
        Their names.
    n_iter_ : int
        Epochs run.
    device_ : str
        Where the network was trained.
    padding_ : float
        Share of the steps of the last epoch's batches that were padding.
    model_ : keras.Model
        The network, built anew at each access.

    Raises
    ------
    SequenceFrameError
        If the frame has no list column, or does not fit the encoder.
    ValueError
        If no history holds an event, there is nothing to tell, or a parameter is not valid.

    Notes
    -----
    With the state :math:`h_t` after event :math:`t`, a linear map :math:`W_c` and the embedding
    :math:`e_v` of code :math:`v` of channel :math:`c`, the next code is foretold with
    :math:`p(v) \\propto \\exp(e_v^\\top W_c h_t / \\sqrt{d} + b_v)`, and a hidden one by the state
    at its own place. The loss is the mean over all codes that are asked, of each channel, and that
    of Huber's distance of the numbers, added up. Parts of histories are told apart by
    :math:`-\\log \\frac{\\exp(\\cos(z, z^+) / \\tau)}{\\sum_{z'} \\exp(\\cos(z, z') / \\tau)}`.

    References
    ----------
    Babaev, Ovsov, Kireev et al. (2022). CoLES: contrastive learning for event sequences with
    self-supervision. SIGMOD.

    Chen, Kornblith, Norouzi, Hinton (2020). A simple framework for contrastive learning of visual
    representations. ICML.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import BehaviorEmbedder
    >>> X = pd.DataFrame({"what": [["view", "cart", "buy"], ["view", "view", "leave"]] * 30})
    >>> embedder = BehaviorEmbedder(units=4, epochs=3, random_state=0).fit(X)
    >>> embedder.transform(X).shape
    (60, 4)
    >>> embedder.most_similar(["buy"], k=2).columns.tolist()
    ['what', 'neighbor', 'similarity']
    """

    _parameter_constraints = {
        **without(
            BaseBehaviorEstimator._parameter_constraints,
            *("recurrent_dropout", "l1", "l2", "warm_start", "embedding_dropout", "augment"),
        ),
        "encoder": [SequenceEncoder, None],
        "objective": [StrOptions({"next", "masked", "contrastive", "future"})],
        "mask_share": [Interval(Real, 0, 1, closed="neither")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "network": [str],
    }

    def __init__(
        self,
        encoder=None,
        *,
        objective="next",
        mask_share=0.15,
        temperature=0.1,
        network="lstm",
        units=64,
        n_layers=1,
        bidirectional=False,
        embedding_dim=None,
        pooling="last",
        dropout=0.1,
        optimizer="adam",
        learning_rate=0.003,
        batch_size=64,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        callbacks=None,
        device="auto",
        precision="auto",
        verbose=0,
        random_state=None,
        **routed,
    ):
        self.encoder = encoder
        self.objective = objective
        self.mask_share = mask_share
        self.temperature = temperature
        self.network = network
        self.units = units
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.embedding_dim = embedding_dim
        self.pooling = pooling
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.validation_split = validation_split
        self.early_stopping = early_stopping
        self.callbacks = callbacks
        self.device = device
        self.precision = precision
        self.verbose = verbose
        self.random_state = random_state
        self._keep_routed(routed)

    @property
    def _network(self):
        return self.network

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn from histories.

        Parameters
        ----------
        X : sequence frame
            Raw histories, oldest event first; labels are not needed.
        y : object, default=None
            Not used.

        Returns
        -------
        estimator
            The fitted embedder itself.
        """
        with all_or_nothing(self):
            if self.objective == "next" and self.bidirectional:
                raise ValueError(
                    "bidirectional=True lets the network see the events that objective='next' has "
                    "it foretell. Take objective='masked' or 'contrastive'."
                )
            if self.objective == "masked" and not self.bidirectional:
                raise ValueError(
                    "objective='masked' asks for hidden events from those around them, but with "
                    "bidirectional=False the network sees those before alone. Set "
                    "bidirectional=True, with network='lstm', 'gru', 'rnn' or 'transformer', or "
                    "take objective='next'."
                )
            encoder = SequenceEncoder() if self.encoder is None else self.encoder
            self.encoder_ = clone(encoder).fit(X)
            data = self._sequences(X, reset=True)
            self.feature_names_in_ = self.encoder_.feature_names_in_
            self.n_features_in_ = self.encoder_.n_features_in_
            if self.objective == "future":
                self._learn_future(X)
            else:
                self._learn_events(data)
            self._optimizer_state = None  # nothing goes on from here, and it is large
            self._n_features_out = output_width_of(self.spec_)
        return self

    def _learn_events(self, data):
        # Of a single event nothing is foretold, and no two parts differ.
        weight = self._enough(data.lengths, 1 if self.objective == "masked" else 2)
        samples = data, np.zeros(len(data), np.float32), weight
        loss, spec = self._loss(), self._spec()
        self._train(samples, loss=loss, classes=None, spec=spec, resume=False, one_epoch=False)

    def _learn_future(self, X):
        """Train on histories cut back to earlier moments, and keep what lies below the head."""
        times, name = read_times(X, self.encoder_.cutoff), self.encoder_.cutoff
        horizons, parts, labels = times.horizons(), [], []
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        for i in range(_CUTS):
            moments, counts = times.cut(np.random.default_rng([seed, 7, i]))
            parts.append(self._sequences(times.truncate(X, moments, counts, name)))
            labels.append(times.labels(moments, counts, horizons))
        data, labels = join_sequences(parts), np.concatenate(labels)
        weight = (np.isfinite(labels).any(axis=1) & (data.lengths > 0)).astype(np.float32)
        spec = self._network_spec(n_outputs=len(horizons))
        self._train(
            (data, labels, weight),
            loss={"kind": "labels"},
            classes=None,
            spec=spec,
            resume=False,
            one_epoch=False,
        )
        learnt = dict(zip(self._weight_names, self.weights_, strict=True))
        self.spec_ = self._spec() | {"policy": self.spec_["policy"]}
        self._weight_names = weight_names_of(self.spec_)
        self.weights_ = [learnt[name] for name in self._weight_names]

    def _sequences(self, X, *, reset=False):
        return self._read(self.encoder_.transform(X), reset=reset)

    def _enough(self, lengths, least):
        enough = lengths >= least
        if enough.sum() < 2:
            raise ValueError(
                f"objective={self.objective!r} needs histories of at least {least} events; of the "
                f"{len(lengths):,} there are {int(enough.sum())}."
            )
        return enough.astype(np.float32)

    def _loss(self):
        if self.objective == "contrastive":
            return {"kind": "contrast", "temperature": float(self.temperature)}
        sizes = self.schema_.vocabulary_sizes
        loss = {"targets": tuple(range(len(sizes)))}
        many = max(sizes.values(), default=0) > _MANY_CODES
        loss["n_negatives"] = _NEGATIVES if many else None
        if self.objective == "next":
            return {"kind": "next_events", **loss}
        return {"kind": "masked_events", "share": float(self.mask_share), **loss}

    def _spec(self):
        told = self.objective in ("next", "masked")
        targets = tuple(range(len(self.schema_.vocabulary_sizes))) if told else ()
        spec = self._network_spec(n_outputs=self.units)
        options = {"targets": targets, "begin": False, "tied": True, "numbers": told}
        return spec | {"options": (*spec["options"], *options.items())}

    def transform(self, X):
        """The vector of each history.

        Parameters
        ----------
        X : sequence frame
            Raw histories; an empty one gives zeros.

        Returns
        -------
        ndarray of float32 of shape (n_samples, units)
            Twice as wide where a recurrence is bidirectional.
        """
        check_is_fitted(self)
        return self._outputs_of(self._sequences(X)).astype(np.float32)

    def item_vectors(self, channel=None):
        """The vectors of a channel's ids.

        Parameters
        ----------
        channel : str, default=None
            Categorical channel; may be left out where there is only one.

        Returns
        -------
        ids : ndarray of shape (n_ids,)
            Raw ids, in order of frequency.
        vectors : ndarray of float32 of shape (n_ids, size)
            The embedding of each.
        """
        check_is_fitted(self)
        channel = self._channel(channel)
        place = list(self.schema_.vocabulary_sizes).index(channel)
        known = self.encoder_.categories_[channel]
        present = np.array([value is not None for value in known], bool)
        weights = dict(zip(self._weight_names, self.weights_, strict=True))
        table = weights[f"embedding_{place}/embeddings"]
        codes = np.flatnonzero(present) + FIRST_CATEGORY
        return to_ids(_frames.make_array(known[present])), table[codes]

    def most_similar(self, ids, k=10, *, channel=None):
        """The ids whose vectors point most nearly the same way.

        Parameters
        ----------
        ids : array-like of shape (n_ids,)
            Raw ids.
        k : int, default=10
            How many neighbours of each, itself left out.
        channel : str, default=None
            Categorical channel; may be left out where there is only one.

        Returns
        -------
        table of shape (n_ids, 3)
            Of pandas: the channel's name, and the list columns ``neighbor``, the nearest first,
            and ``similarity``, their cosines.

        Raises
        ------
        ValueError
            If an id was never seen at fit, there are no k others, or the channel has the name of
            a column of the result.
        """
        channel = self._channel(channel)
        known, vectors = self.item_vectors(channel)
        if isinstance(k, bool) or not isinstance(k, Integral) or not 1 <= k < len(known):
            raise ValueError(
                f"k must be an integer of 1 to {len(known) - 1}, the other ids of {channel!r}; "
                f"got {k!r}."
            )
        if channel in _OF_NEIGHBORS:
            raise ValueError(
                f"The channel is named {channel!r}, as a column of the result is. Rename it "
                "before fit."
            )
        values = read_ids(ids, "ids")
        at = index_in_classes(values, known, "ids")
        if (at < 0).any():
            stranger = values[_frames.first_row(at < 0)].as_py()
            raise ValueError(f"The id {stranger!r} of {channel!r} was never seen at fit.")
        units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        cosines = units[at] @ units.T
        cosines[np.arange(len(at)), at] = -np.inf
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        offsets = offsets_of(np.full(len(at), k))
        found = _frames.make_array(known[best.ravel()])
        similar = _frames.make_array(np.take_along_axis(cosines, best, 1).ravel())
        lists = _frames.Lists(found, offsets), _frames.Lists(similar, offsets)
        columns = {
            channel: _frames.make_array(known[at]),
            **dict(zip(_OF_NEIGHBORS, lists, strict=True)),
        }
        return _frames.build_frame(columns, like=None, library="pandas")

    def _channel(self, channel):
        check_is_fitted(self)
        names = list(self.schema_.vocabulary_sizes)
        if channel is None and len(names) == 1:
            return names[0]
        if channel not in self.encoder_.categories_:
            there = ", ".join(map(repr, names)) or "none"
            if channel is None:
                raise ValueError(
                    f"Name the channel: channel=... The categorical ones are {there}."
                )
            raise ValueError(
                f"channel={channel!r} is not a categorical channel of the embedder; there are "
                f"{there}."
            )
        return channel
