"""NextBehaviorPredictor: a network for next-event prediction."""

import warnings
from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    StrOptions,
    check_random_state,
    fit_context,
    with_callbacks,
)
from skbseq._docstrings import document
from skbseq._monitors import best_epoch, check_monitor
from skbseq._next_event import (
    BaseNextEvent,
    Histories,
    read_counting,
)
from skbseq._parameters import LAYERS, ONE_OR_MORE, SHARE, constraints_of
from skbseq._sequences import FIRST_CATEGORY, offsets_of, ranges
from skbseq._state import all_or_nothing
from skbseq._targets import (
    index_in_classes,
    present_values,
    read_next,
    split_target,
    to_ids,
)
from skbseq.estimators._base import NetworkMixin, OwnEncoderMixin, weights_of
from skbseq.estimators._item_features import OWN_DROPOUT, ItemFeaturesMixin
from skbseq.estimators._mixed_counts import MixedCountsMixin
from skbseq.estimators._sampled_paths import SampledPathsMixin
from skbseq.estimators._sequence_model import Objective, Start
from skbseq.exceptions import SequenceFrameError
from skbseq.networks import EventHead
from skbseq.preprocessing import SequenceEncoder
from skbseq.preprocessing._evidence import code
from skbseq.preprocessing._sequence_encoder import time_features_of

# From so many ids on, each batch compares its own with some drawn at random.
_MANY_IDS, _NEGATIVES = 10_000, 2_000
_WIDE = 64  # size of the target's embedding
# From so many ids on their embeddings start with this deviation. On a log of 12,000 products,
# most of them rare, it raised NDCG@10 of the network by a fifth; on 217 products by nothing.
_MANY_TO_SPREAD, _SPREAD = 1_000, 0.1


class NextBehaviorPredictor(
    ItemFeaturesMixin,
    MixedCountsMixin,
    SampledPathsMixin,
    OwnEncoderMixin,
    NetworkMixin,
    BaseNextEvent,
):
    """Predict the next event of each history with a network.

    The estimator takes raw sequence frames. An internal encoder encodes all channels, and a
    network reads the events in order. At each event, its state is compared with the embeddings of
    all ids, so a history of :math:`n` events gives :math:`n` training examples at the cost of
    reading it once. :meth:`predict` returns the most probable id, :meth:`predict_top_k` ranked
    lists of ids, and :meth:`sample_paths` continues histories event by event.

    Parameters
    ----------
    target : str
        List column of ids to predict: strings, integers or booleans. None: the only such column.
    encoder : SequenceEncoder
        Encodes the channels and names the ``context`` columns; a clone of it is fitted. It must
        not compute the time feature "age", which reveals how much of the history is still to
        come. None: ``SequenceEncoder(time_features=("gap", "hour", "weekday"))``, without
        context.
    network : str or callable
        Network that reads the events: "lstm", "gru", "rnn", "cnn", "transformer" or "bag", or
        your own causal function. Options of the network are set as ``network__n_heads=2``.
    units : int
        Size of the network's state.
    n_layers : int
        Number of stacked layers; "bag" has only one.
    embedding_dim : int
        Size of the embedding of each categorical channel. None: for n codes
        ``min(32, 2 n ** (1 / 3))``, and for the target ``min(64, n)``.
    bypass : bool
        Whether the embedding of the last event is also passed directly to the output, in addition
        to the network's state. The network then need not learn what follows from the last event
        alone, as in a Markov chain.
    tied : bool
        Whether the output embeddings of the ids are the same as their input embeddings [1]_. This
        saves memory for large catalogues.
    item_features : table or None
        Describes the products: a table of any library with a row for each, their ids in a column
        named after the target. Its other columns are categories (strings that repeat,
        categoricals, booleans, integers), numbers (floats, times, integers with many values),
        texts, vectors (lists of numbers of one length) and tags (lists of strings). Values may be
        missing. Products without events can then be candidates of :meth:`predict_top_k`, and are
        read in histories. Columns that say nothing, such as one value throughout, are left out. A
        copy of the table is made by ``clone``, and saved with the model. None: ids have no
        features.
    counting : list of next-event models, "auto" or None
        Models that count, such as :class:`MarkovChain` and :class:`ItemCooccurrence`, whose
        probabilities are mixed with those of the network. The held-out histories decide the
        weights; then the models count all histories. "auto":
        ``[MarkovChain(order=3), ItemCooccurrence()]``, or none if ``validation_split`` is 0. None:
        the network alone.
    n_negatives : int, "auto" or None
        Number of negatives sampled per batch from all ids. None: use all ids. "auto": None for up
        to 10,000 ids, and 2,000 for more.
    dropout : float
        Share of the inputs of each layer, and of the output, set to zero in training.
    optimizer : str, class or keras.optimizers.Optimizer
        Keras optimizer. Its parameters are routed: ``optimizer__use_ema=True`` averages the
        weights of the last steps, which helps on small logs. With plain Adam, a step updates only
        the rows of its batch, not the whole catalogue.
    batch_size : int
        Number of histories per step of the optimizer.
    epochs : int
        Maximum number of passes over the training histories.
    validation_split : float
        Share of the histories held out for ``monitor`` and ``counting``. 0: none.
    early_stopping : bool or int
        Stop after this many epochs (True: 5) without an improvement of ``monitor``, and restore
        the best weights. Without held-out histories, training runs for all epochs.
    monitor : str
        What of the held-out histories decides when to stop, and the weights of ``counting``:
        "loss", for good probabilities; "ndcg@10" or "recall@20", say, for good lists. These two
        rank the last event of each history. If no history repeats an id with its last event, ids
        that it holds are left out.
    refit : bool
        Whether to train again on all histories for as many epochs as were best. With an int as
        ``random_state`` it starts from the same weights. This takes about twice as long.
    device : str
        Device to train on: "auto" (a GPU if there is one, else the CPU), "cpu", "gpu" or a name
        such as "/GPU:1". If there are several, the first is used.
    precision : {"auto", "float32", "mixed_float16", "mixed_bfloat16"}
        Precision of the layers, as in :class:`~skbseq.LSTMBehaviorClassifier`. The comparison
        with the ids is always in float32.
    random_state : int, RandomState instance or None
        Seeds weights, shuffling, splitting, dropout and negative sampling. The same int gives the
        same fit on a CPU. No global random state is read or set.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Ids that have a code in the encoder, in ascending order. Other ids are read but never
        predicted: missing ids, and rare ids left out by its ``min_frequency`` or
        ``max_categories``.
    class_count_ : ndarray of int of shape (n_classes,)
        Number of events of each id in ``fit``.
    target_ : str
        Name of the target.
    encoder_ : SequenceEncoder
        The fitted encoder.
    history_ : dict of str to list of float
        ``loss`` of the network, nats per event, and ``val_loss``, the same of the histories held
        out, of each epoch; with another monitor also ``val_ndcg@10``, say. With ``refit``, of the
        first training.
    n_iter_ : int
        Number of epochs run; with ``refit``, of the second training.
    mixture_weights_ : dict of str to float
        Weight of the network, as "network", and of each counting model, by its class name in
        lower case. They sum to 1.
    n_features_in_ : int
        Number of columns of the frame seen in ``fit``.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a frame.
    device_ : str
        Where the network was trained.
    padding_ : float
        Share of the steps of the last epoch's batches that were padding.
    model_ : keras.Model
        The network alone, built at each access. It gives the query after the
        last event, and those of all steps; the vectors of the ids are its weights.

    See Also
    --------
    MarkovChain : Counts which events follow each other; a strong baseline.

    Notes
    -----
    Let :math:`q_t` be the output of the network for all events before the :math:`t`-th (the first
    is predicted from an event of zeros). Let :math:`v_i` and :math:`b_i` be the vector and the
    bias of each id. The loss is the mean of

    .. math::

        -\\log p(i_t \\mid q_t), \\qquad
        p(i \\mid q) = \\frac{\\exp(q \\cdot v_i + b_i)}{\\sum_j \\exp(q \\cdot v_j + b_j)}

    over all events that have a code, regardless of the lengths of their histories. With
    ``sample_weight``, each event has the weight of its history. For a large catalogue, the sum is
    estimated from negative samples [2]_: of the codes, in order of frequency, :math:`m` are drawn
    with probability :math:`P(r) = \\log\\frac{r + 1}{r} / \\log(n + 1)` for rank :math:`r`, and

    .. math::

        \\sum_j e^{s_j} \\approx e^{s_{i_t}}
        + \\sum_{j \\text{ drawn}, j \\ne i_t} e^{s_j - \\log(m P(j))}

    is an unbiased estimate. Predictions are always made over all ids.

    For up to 10,000 ids, :math:`q_t` is the network's state concatenated with the embedding of
    the last event, and the vectors of the ids have the same size. For more ids, and for tied
    vectors, a linear layer first reduces it to the size of the embedding, so that a million ids
    fit into memory.

    With ``item_features``, :math:`v_i = e_i + W f_i` and :math:`b_i = c_i + w f_i`, where
    :math:`f_i` are the encoded features of an id and :math:`e_i` and :math:`c_i` its own part. The
    embedding of an event has the same form. In each step of training, a fifth of the own parts,
    drawn at random, are replaced by one that all of them share. An id without events has that
    part too. To the counting models it is the mean of the ten ids, among the 10,000 most frequent,
    whose :math:`W f` have the largest cosine with its own. It is no class: :meth:`predict` and
    :meth:`predict_proba` leave it out. Scores of :meth:`predict_top_k` are relative to the sum
    over ``classes_``. The table is a parameter of the constructor, and not of ``fit``: so it is
    part of the model in a pipeline, a search and a file, without metadata routing.

    With ``counting``, the probabilities of network and counting models are averaged with the
    weights ``mixture_weights_``. For ``monitor="loss"`` these are the weights that make the
    held-out events most probable, found by the EM algorithm. For a ranking they are selected
    greedily, in up to 20 steps [3]_. Both use up to 5,000 events, the last ones of each
    history first; fewer for lists of more than 100 ids. Counting models ignore positive sample
    weights.

    References
    ----------
    .. [1] Press, O. and Wolf, L. (2017). Using the output embedding to improve language models.
       EACL.
    .. [2] Bengio, Y. and Senecal, J.-S. (2008). Adaptive importance sampling to accelerate
       training of a neural probabilistic language model. IEEE Transactions on Neural Networks,
       19(4).
    .. [3] Caruana, R. et al. (2004). Ensemble selection from libraries of models. ICML.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import NextBehaviorPredictor
    >>> X = pd.DataFrame({"page": [["home", "news", "sport"], ["home", "shop"]] * 50})
    >>> model = NextBehaviorPredictor(units=16, learning_rate=0.01, random_state=0).fit(X)
    >>> asked = pd.DataFrame({"page": [["home", "news"], []]})
    >>> model.predict(asked)
    array(['sport', 'home'], dtype='<U5')
    >>> model.predict_top_k(asked, k=2)["page"].tolist()[0][0]
    'sport'
    >>> model.sample_paths(asked, 2, temperature=0)["page"].tolist()[1][0]
    'home'
    """

    _parameter_constraints = {
        **BaseNextEvent._parameter_constraints,
        **constraints_of(
            *("network", "units", "n_layers", "embedding_dim", "dropout", "l1", "l2"),
            *("optimizer", "learning_rate", "batch_size", "epochs", "validation_split"),
            *("early_stopping", "callbacks", "device", "precision", "verbose", "random_state"),
        ),
        "encoder": [SequenceEncoder, None],
        "n_layers": LAYERS,
        "dropout": SHARE,
        "bypass": ["boolean"],
        "tied": ["boolean"],
        "item_features": "no_validation",
        "counting": [list, tuple, StrOptions({"auto"}), None],
        "n_negatives": [*ONE_OR_MORE, StrOptions({"auto"}), None],
        "monitor": [str],
        "refit": ["boolean"],
    }

    def __init__(
        self,
        target=None,
        *,
        encoder=None,
        network="lstm",
        units=128,
        n_layers=1,
        embedding_dim=None,
        bypass=True,
        tied=False,
        item_features=None,
        counting="auto",
        n_negatives="auto",
        dropout=0.4,
        l1=0.0,
        l2=0.0,
        optimizer="adam",
        learning_rate=0.002,
        batch_size=128,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        monitor="loss",
        refit=False,
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
    def fit(self, X, y=None, sample_weight=None):
        """Fit the network to predict every event of every history from the events before it.

        Parameters
        ----------
        X : sequence frame
            Raw histories, oldest event first.
        y : array-like of shape (n_samples,), default=None
            The next event after each history, learned as well; None or NaN if there was none. Ids
            that occur in no history are not learned, and a warning reports them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the histories; those of weight zero are left out.

        Returns
        -------
        estimator
            The fitted predictor itself.

        Raises
        ------
        SequenceFrameError
            If the target does not exist, cannot be determined, or holds no ids.
        ValueError
            If no history of positive weight holds an event, or y or a parameter does not fit. If
            a parameter needs held-out histories, and there are too few to hold one out.
        MemoryError
            If the memory cannot hold a network of this size.
        TypeError
            If a parameter is routed nowhere.
        """
        check_monitor(self.monitor)
        if not self.validation_split:
            self._check_needs_no_held_out("validation_split=0. Set it to 0.1, say")
        with all_or_nothing(self):
            columns, self.target_ = split_target(X, self.target)
            counting = read_counting(self.counting, self.target_)
            if not columns.lists[self.target_].offsets[-1]:
                raise ValueError(
                    f"There is nothing to learn from: none of the {columns.n_rows:,} histories in "
                    f"{self.target_!r} holds an event."
                )
            data = self._learn_codes(X)
            following = self._code_of_next(y, columns)
            self._learn_items()
            self._learn_attributes(data)
            weights = weights_of(data, sample_weight)
            _check_something_to_learn(data, following, weights)
            targets, n_negatives = (self._place,), self._negatives()
            loss = {"kind": "next", "targets": targets, "n_negatives": n_negatives}
            objective = Objective(self._spec(), loss | {"monitor": self.monitor})
            samples = data, following.astype(np.float32), weights
            start = self._start(objective.spec)
            held_out = self._train(samples, objective, start=start)
            self._fold_features()
            if not data.lengths[held_out].any():
                self._check_needs_no_held_out(
                    f"none with an event is held out of {len(data):,}. Give more histories"
                )
            following = np.where(weights > 0, self._positions()[following], -1)
            learned = self._seen(X).only(weights > 0).with_next(following)
            self._mix(counting, learned, data, held_out)
            if self.refit:
                self._train_on_all(samples, objective, start)
        return self

    def _check_needs_no_held_out(self, reason):
        """Refuse parameters that need held-out histories, for there are none."""
        needs = {f"monitor={self.monitor!r}": self.monitor != "loss", "refit=True": self.refit}
        needs["counting"] = bool(self.counting) and self.counting != "auto"
        for what, is_given in needs.items():
            if is_given:
                raise ValueError(
                    f"{what} needs held-out histories, but {reason}, or leave "
                    f"{what.partition('=')[0]} out."
                )

    def _start(self, spec):
        """Embeddings of many ids start close together: few events move each of them."""
        size, rng = len(self.classes_), check_random_state(self.random_state)
        weights = self._start_of_features(spec)
        # With features these decide first, and events correct them.
        if size > _MANY_TO_SPREAD or weights:
            place = self._place
            shape = spec.vocabulary_sizes[place], spec.embedding_dims[place]
            embeddings = _SPREAD * rng.standard_normal(shape).astype(np.float32)
            weights[f"embedding_{place}/embeddings"] = embeddings
        return Start(weights=weights)

    def _train_on_all(self, samples, objective, start):
        """Train again on all histories, for the epochs that were best."""
        first = self._sequence_model
        n_epochs = best_epoch(first.history[f"val_{self.monitor}"], self.monitor)
        self._train(samples, objective, start=start, n_epochs=n_epochs)
        self._fold_features()
        self._sequence_model = replace(self._sequence_model, history=first.history)

    def _learn_codes(self, X):
        """Fit the encoder, and the sequences in its codes; the ids that have one."""
        encoder = self.encoder
        if encoder is None:
            encoder = SequenceEncoder(time_features=("gap", "hour", "weekday"))
        encoded = self._fit_encoder(encoder, X, settled=(self.target_,))
        _refuse_age(self.encoder_)
        if self.target_ not in self.encoder_.categories_:
            raise SequenceFrameError(
                f"The encoder makes no codes of the target {self.target_!r}, but of "
                f"{list(self.encoder_.categories_)}. Name it in its categorical=."
            )
        self._learn_catalogue(X)
        return self._sequence_model.read(encoded)

    def _learn_catalogue(self, X):
        """The ids that have a code, in order of frequency, as the encoder has them."""
        known = self.encoder_.categories_[self.target_]
        present = np.array([value is not None for value in known], bool)
        if not present.any():
            raise ValueError(f"No event of {self.target_!r} has an id that the encoder keeps.")
        ids = to_ids(_frames.make_array(known[present]))
        self._codes = np.flatnonzero(present) + FIRST_CATEGORY
        order = np.argsort(ids, kind="stable")
        self.classes_, self._by_frequency = ids[order], np.argsort(order)
        # Of whole histories, of which the encoder may have kept the last events alone.
        counts = np.bincount(self._seen(X).codes, minlength=len(ids))
        self.class_count_ = counts[order]

    @property
    def _place(self):
        """The place of the target among the categorical channels."""
        return list(self.schema_.vocabulary_sizes).index(self.target_)

    def _code_of_next(self, y, columns):
        """Code of what came next after each history, 0 where nothing is known."""
        codes = np.zeros(columns.n_rows, np.int64)
        if y is not None:
            values = read_next(y, columns.n_rows)
            present = np.flatnonzero(~_frames.is_missing(values))
            values = _frames.take(values, present)
            found = index_in_classes(values, self._catalogue(), "y")
            codes[present] = np.where(found >= 0, self._codes[found], 0)
            if (found < 0).any():
                _warn_of_unseen(values, present, columns.lists[self.target_])
        return codes

    def _negatives(self):
        most = max(len(self.classes_), _MANY_IDS)
        if isinstance(self.n_negatives, Integral) and self.n_negatives > most:
            raise ValueError(
                f"n_negatives={self.n_negatives!r} is more than the {len(self.classes_):,} ids. "
                "Lower it, or pass None, which compares with all ids."
            )
        if self.n_negatives != "auto":
            return self.n_negatives
        return _NEGATIVES if len(self.classes_) > _MANY_IDS else None

    def _spec(self):
        compact = len(self.classes_) > _MANY_IDS
        bypass, tied = bool(self.bypass), bool(self.tied)
        head = EventHead((self._place,), begin=True, tied=tied, bypass=bypass, compact=compact)
        if self._items is not None:
            head = replace(head, n_features=self._n_features, own_dropout=OWN_DROPOUT)
        spec = self._network_spec(n_outputs=len(self.classes_), head=head)
        if spec.bidirectional:
            raise ValueError(
                "network__bidirectional=True lets the network see the events that it has to "
                "predict. Leave it at False."
            )
        return spec

    def _embedding_dims(self, sizes):
        dims = list(super()._embedding_dims(sizes))
        if self.embedding_dim is None:  # of the target more, for it is what the bypass carries
            dims[self._place] = min(sizes[self._place], _WIDE)
        return tuple(dims)

    # -------------------------------------------------------------- prediction

    def _read(self, X):
        check_is_fitted(self)
        return self._queries(self._sequences(X))

    def _queries(self, data):
        self, data = self._that_reads(data)
        at, offsets = ranges(data.starts, data.starts + data.lengths)
        found = self._positions()[data.codes[at, self._place]]
        offsets = offsets_of(found >= 0)[offsets]
        # As the codes' vectors are: else each product would copy all of them as float64.
        queries = self._outputs_of(data).astype(np.float32)
        return Histories(found[found >= 0], offsets, queries)

    def _positions(self):
        """Place in the catalogue of each of the encoder's codes, -1 for none."""
        positions = np.full(self.spec_.vocabulary_sizes[self._place], -1, np.int64)
        positions[self._codes] = np.arange(len(self._codes))
        return positions

    def _network_scores(self, histories):
        vectors, bias = self._code_vectors()
        scores = self._with_new(histories.queries @ vectors.T + bias, histories.queries)
        scores -= scores.max(axis=1, keepdims=True)
        return np.exp(scores.astype(np.float64))

    def _code_vectors(self):
        """Vector and bias of each id of the catalogue."""
        model, place = self._sequence_model, self._place
        name = f"output_embedding_{place}/code_vectors"
        if self.spec_.head.tied:
            name = f"embedding_{place}/embeddings"
        vectors, bias = model.weight(name), model.weight(f"output_embedding_{place}/bias")
        # The codes are mostly consecutive, and then no copy is needed.
        known = slice(self._codes[0], self._codes[-1] + 1)
        if self._codes[-1] - self._codes[0] + 1 != len(self._codes):
            known = self._codes
        return vectors[known], bias[known]

    def __setstate__(self, state):
        # Earlier versions did not count, so a clone of theirs does not either.
        super().__setstate__({"counting": None} | state)


def _check_something_to_learn(data, following, weights):
    if not (weights * (data.lengths + (following > 0))).any():
        raise ValueError(
            "There is nothing to learn from: every history with an event has weight zero. Give "
            "one of them a positive sample_weight."
        )


def _warn_of_unseen(values, rows, column):
    """Say which next ids stand in no history, and so have no code; rare ones are left out."""
    known, _, _ = present_values(column)
    unseen = index_in_classes(values, to_ids(known), "y") < 0
    if unseen.any():
        first = _frames.first_row(unseen)
        warnings.warn(
            f"{int(unseen.sum()):,} values of y stand in no history, such as "
            f"{values[first].as_py()!r} of row {rows[first]}. They have no code and are not "
            "learned. Append y to the histories to learn them.",
            UserWarning,
            stacklevel=2,
        )


def _refuse_age(encoder):
    """Refuse a fitted encoder that makes the feature "age"."""
    names = [name for name, features in time_features_of(encoder).items() if "age" in features]
    if names:
        others = tuple(f for f in encoder.time_features if f != "age")
        raise ValueError(
            f"The encoder's time feature 'age' of {', '.join(map(repr, names))} tells each event "
            "how much of its history is still to come, which a model of the next event must not "
            f"know. Leave it out: encoder={code(encoder, {'time_features': others})}."
        )


document(NextBehaviorPredictor, {}, {})
