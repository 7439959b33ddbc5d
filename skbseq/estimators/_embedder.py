"""BehaviorEmbedder: embeddings of histories, learned without labels."""

from dataclasses import replace
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import Interval, StrOptions, fit_context, is_whole, shown, with_callbacks
from skbseq._docstrings import document
from skbseq._parameters import SHARE, constraints_of
from skbseq._sequences import FIRST_CATEGORY, join_sequences, offsets_of
from skbseq._state import all_or_nothing
from skbseq._targets import index_in_classes, read_ids, to_ids
from skbseq.estimators._base import NetworkMixin, OwnEncoderMixin
from skbseq.estimators._sequence_model import Objective, engine
from skbseq.networks import EventHead
from skbseq.networks._table import network_names
from skbseq.preprocessing import SequenceEncoder
from skbseq.preprocessing._cut_back import read_times

# From so many codes on, each batch holds its own against some drawn at random.
_MANY_CODES, _NEGATIVES = 10_000, 2_000
# Earlier moments of each history with objective="future".
_CUTS = 2
_OF_NEIGHBORS = ("neighbor", "similarity")


class BehaviorEmbedder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, OwnEncoderMixin, NetworkMixin, BaseEstimator
):
    """Learn an embedding of each history without labels.

    Self-supervised pretraining: a network learns to predict each event from the events before it,
    to reconstruct masked events, to recognise parts of the same history, or to predict how soon
    the next event came. The result is a vector of ``units`` numbers per history. Use the vectors
    as features for any scikit-learn model, for clustering and to find neighbours. The fitted
    embedder can also initialise a classifier or regressor with few labels (``init``).

    Parameters
    ----------
    encoder : SequenceEncoder
        Encodes the raw frame; a clone of it is fitted. None: SequenceEncoder with its defaults.
    objective : {"next", "masked", "contrastive", "future"}
        What the network predicts. "next": each event, its codes and its numbers, from the events
        before it. "masked": masked events, from the events around them; this needs
        ``bidirectional=True``. "contrastive": which parts of histories belong to the same
        history. "future": how soon the next event came, for histories cut at random earlier
        moments; this needs a channel of times and cutoffs, and suits purchase and churn.
    mask_share : float
        Share of events that are masked, for ``objective="masked"``.
    temperature : float
        Divisor of the cosine similarities, for ``objective="contrastive"``.
    units : int
        Size of the vectors.
    n_layers : int or None
        Number of stacked layers; "bag" has only one. None: the network's own default.
    bidirectional : bool
        Whether the network reads the events in both directions. This doubles the size of the
        vectors of recurrent networks. It is not possible with ``objective="next"``, because the
        network would see the events to predict, nor with "bag" and "cnn".
    pooling : {"last", "mean", "max"}
        How the vectors of all events are reduced to one.
    dropout : float
        Share of the inputs of each layer set to zero in training.
    batch_size : int
        Number of histories per step of the optimizer. With ``objective="contrastive"`` each
        history is compared with the others in its batch, so larger batches make the task harder.
    epochs : int
        Maximum number of passes over the histories.
    validation_split : float
        Share of the histories held out for ``val_loss``. 0: none.
    early_stopping : bool or int
        Stop after this many epochs (True: 5) without an improvement of ``val_loss``, and restore
        the best weights; for ``objective="future"`` those that a
        :class:`~skbseq.LSTMBehaviorClassifier` would keep. Without held-out histories, training
        runs for all epochs.
    random_state : int, RandomState instance or None
        Seed of all random numbers.

    Attributes
    ----------
    encoder_ : SequenceEncoder
        The fitted encoder. A classifier initialised from the embedder needs frames encoded by it.
    history_ : dict of str to list of float
        ``loss``, and ``val_loss`` if histories were held out, of each epoch.
    n_features_in_ : int
        Number of columns of the frame seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names.
    n_iter_ : int
        Number of epochs run.
    best_epoch_ : int
        Epoch, from 1, whose weights early stopping kept, or the last.
    device_ : str
        Where the network was trained.
    padding_ : float
        Share of the steps of the last epoch's batches that were padding.
    model_ : keras.Model
        The network, built at each access.

    Raises
    ------
    SequenceFrameError
        If the frame has no list column, or does not fit the encoder.
    ValueError
        If no history holds an event, there is nothing to predict, or a parameter is not valid.

    Notes
    -----
    Let :math:`h_t` be the state after event :math:`t`, :math:`W_c` a linear map and :math:`e_v`
    the embedding of code :math:`v` of channel :math:`c`. The next code is predicted with
    :math:`p(v) \\propto \\exp(e_v^\\top W_c h_t / \\sqrt{d} + b_v)`, and a masked one by the
    state at its own place. The loss is the sum over channels of the mean cross-entropy of the
    predicted codes, plus Huber's loss of the numbers. Parts of histories are distinguished by
    :math:`-\\log \\frac{\\exp(\\cos(z, z^+) / \\tau)}{\\sum_{z'} \\exp(\\cos(z, z') / \\tau)}`.

    With ``network="transformer"`` and ``network__history_token=True`` the vector of a history is
    the state of a learned token, which objective "next" trains to sum up earlier events for later
    ones (Karpukhin and Savchenko 2025).

    References
    ----------
    Babaev, Ovsov, Kireev et al. (2022). CoLES: contrastive learning for event sequences with
    self-supervision. SIGMOD.

    Chen, Kornblith, Norouzi, Hinton (2020). A simple framework for contrastive learning of visual
    representations. ICML.

    Karpukhin, Savchenko (2025). HT-Transformer: event sequences classification by accumulating
    prefix information with history tokens. arXiv:2508.01474.

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
        **constraints_of(
            *("network", "units", "n_layers", "bidirectional", "embedding_dim", "pooling"),
            *("dropout", "optimizer", "learning_rate", "batch_size", "epochs", "device"),
            *("validation_split", "early_stopping", "callbacks", "precision", "verbose"),
            "random_state",
        ),
        "encoder": [SequenceEncoder, None],
        "dropout": SHARE,
        "objective": [StrOptions({"next", "masked", "contrastive", "future"})],
        "mask_share": [Interval(Real, 0, 1, closed="neither")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
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
        self._assign(locals())

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

        Raises
        ------
        SequenceFrameError
            If X is a sequence frame without channels, or a column does not fit or cannot be read.
        ValueError
            If a parameter holds an invalid value, or there are too few histories of enough events.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value; or if a
            parameter is routed nowhere.
        MemoryError
            If the memory cannot hold a network of this size.
        """
        with all_or_nothing(self):
            encoder = SequenceEncoder() if self.encoder is None else self.encoder
            encoded = self._fit_encoder(encoder, X)
            self._check_directions()
            if self.objective == "future":
                self._learn_future(X)
            else:
                self._learn_events(self._sequence_model.read(encoded))
            self._n_features_out = engine().output_width(self.spec_)
        return self

    def _check_directions(self):
        # Of the spec, because network__bidirectional goes before the parameter.
        spec = self._network_spec(n_outputs=self.units)
        both_ways = spec.bidirectional
        if self.objective == "next" and both_ways:
            raise ValueError(
                "bidirectional=True lets the network see the events that objective='next' has "
                "it predict. Use objective='masked' or 'contrastive'."
            )
        if self.objective == "masked" and spec.history_token:
            raise ValueError(
                "objective='masked' needs a network that reads in both directions, and a history "
                "token sums up earlier events for later ones. Use objective='next', or leave "
                "network__history_token out."
            )
        # How a user's own function reads is not known.
        if self.objective == "masked" and not both_ways and not callable(self.network):
            able = network_names(lambda network: network.two_way)
            raise ValueError(
                "objective='masked' predicts masked events from those around them, but with "
                "bidirectional=False the network only sees those before. Set "
                f"bidirectional=True, with one of the networks {able}, or use objective='next'."
            )

    def _learn_events(self, data):
        # A single event predicts nothing, and no two parts of it differ.
        weight = self._enough(data.lengths, 1 if self.objective == "masked" else 2)
        samples = data, np.zeros(len(data), np.float32), weight
        self._train(samples, Objective(self._event_spec(), self._loss()))

    def _learn_future(self, X):
        """Train on histories cut at earlier moments, and keep what is below the head."""
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
        self._train((data, labels, weight), Objective(spec, {"kind": "labels"}))
        events = replace(self._event_spec(), policy=self.spec_.policy)
        model = self._sequence_model.with_spec(events)
        self._sequence_model = replace(model, optimizer_state=None)  # large, and of no use here

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
        # A softmax over all codes of a large vocabulary would be most of a step.
        many = max(sizes.values(), default=0) > _MANY_CODES
        loss["n_negatives"] = _NEGATIVES if many else None
        if self.objective == "next":
            return {"kind": "next_events", **loss}
        return {"kind": "masked_events", "share": float(self.mask_share), **loss}

    def _event_spec(self):
        """The spec of the network with heads at its events, where the objective has any."""
        predicts = self.objective in ("next", "masked")
        targets = tuple(range(len(self.schema_.vocabulary_sizes))) if predicts else ()
        head = EventHead(targets, begin=False, tied=True, numeric=predicts)
        return self._network_spec(n_outputs=self.units, head=head)

    def transform(self, X):
        """Compute the vector of each history.

        Parameters
        ----------
        X : sequence frame
            Raw histories. The vector of an empty history is zero.

        Returns
        -------
        ndarray of float32 of shape (n_samples, units)
            Vectors; twice as wide for bidirectional recurrent networks.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        check_is_fitted(self)
        return self._outputs_of(self._sequences(X)).astype(np.float32)

    def item_vectors(self, channel=None):
        """Get the embeddings of the ids of a channel.

        Parameters
        ----------
        channel : str, default=None
            Categorical channel. Optional if there is only one.

        Returns
        -------
        ids : ndarray of shape (n_ids,)
            Raw ids, in order of frequency.
        vectors : ndarray of float32 of shape (n_ids, size)
            Embedding of each id.

        Raises
        ------
        ValueError
            If there is no such channel, or several and none is named.
        """
        check_is_fitted(self)
        channel = self._channel(channel)
        place = list(self.schema_.vocabulary_sizes).index(channel)
        known = self.encoder_.categories_[channel]
        present = np.array([value is not None for value in known], bool)
        table = self._sequence_model.weight(f"embedding_{place}/embeddings")
        codes = np.flatnonzero(present) + FIRST_CATEGORY
        return to_ids(_frames.make_array(known[present])), table[codes]

    def most_similar(self, ids, k=10, *, channel=None):
        """Find the ids with the most similar embeddings (cosine similarity).

        Parameters
        ----------
        ids : array-like of shape (n_ids,)
            Raw ids.
        k : int, default=10
            Number of neighbours of each id, excluding itself.
        channel : str, default=None
            Categorical channel. Optional if there is only one.

        Returns
        -------
        table of shape (n_ids, 3)
            Of pandas: the channel's name, and the list columns ``neighbor``, the nearest first,
            and ``similarity``, their cosines.

        Raises
        ------
        ValueError
            If an id was not seen in ``fit``, there are no k others, or the channel has the name
            of a column of the result.
        """
        channel = self._channel(channel)
        known, vectors = self.item_vectors(channel)
        if channel in _OF_NEIGHBORS:
            raise ValueError(
                f"The channel is named {channel!r}, as a column of the result is. Rename it "
                "before fit."
            )
        values = read_ids(ids, "ids")
        at = index_in_classes(values, known, "ids")
        if (at < 0).any():
            unseen = values[_frames.first_row(at < 0)].as_py()
            raise ValueError(f"The id {unseen!r} of {channel!r} was never seen at fit.")
        if not is_whole(k) or not 1 <= k < len(known):
            raise ValueError(
                f"k must be an integer of 1 to {len(known) - 1}, the other ids of {channel!r}; "
                f"got {shown(k)}."
            )
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
        if not isinstance(channel, str) or channel not in self.encoder_.categories_:
            there = ", ".join(map(repr, names)) or "none"
            if channel is None:
                raise ValueError(
                    f"Name the channel: channel=... The categorical ones are {there}."
                )
            raise ValueError(
                f"channel={shown(channel)} is not a categorical channel of the embedder; there "
                f"are {there}."
            )
        return channel


document(BehaviorEmbedder, {}, {})
