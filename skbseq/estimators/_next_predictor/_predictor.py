"""NextBehaviorPredictor: a network for next-event prediction."""

from dataclasses import replace
from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    Interval,
    StrOptions,
    check_random_state,
    fit_context,
    with_callbacks,
)
from skbseq._docstrings import document
from skbseq._monitors import best_epoch, check_monitor
from skbseq._next_event import BaseNextEvent, Histories, read_counting
from skbseq._parameters import ONE_OR_MORE, SHARE, constraints_of
from skbseq._sequences import FIRST_CATEGORY, offsets_of, ranges
from skbseq._state import all_or_nothing
from skbseq._targets import (
    index_in_classes,
    read_next,
    split_target,
    to_ids,
)
from skbseq.estimators._base import NetworkMixin, OwnEncoderMixin
from skbseq.estimators._each_event import EachQueryMixin
from skbseq.estimators._next_predictor._baskets import BasketsMixin
from skbseq.estimators._next_predictor._continued import ContinuedFitMixin
from skbseq.estimators._next_predictor._fit_inputs import (
    refuse_age,
    warn_of_unseen,
    weights_of_events,
)
from skbseq.estimators._next_predictor._history_ends import NetworkEndsMixin
from skbseq.estimators._next_predictor._item_features import OWN_DROPOUT, ItemFeaturesMixin
from skbseq.estimators._next_predictor._mixed_counts import MixedCountsMixin
from skbseq.estimators._next_predictor._next_times import NetworkWaitsMixin
from skbseq.estimators._next_predictor._ranking_loss import RankingLossMixin
from skbseq.estimators._next_predictor._sampled_paths import SampledPathsMixin
from skbseq.estimators._sequence_model import Objective
from skbseq.estimators._transfer import find_embedder
from skbseq.exceptions import SequenceFrameError
from skbseq.networks import EventHead
from skbseq.preprocessing import SequenceEncoder

_WIDE = 64  # size of the target's embedding
# From so many ids on their embeddings start with this deviation. On a log of 12,000 products,
# most of them rare, it raised NDCG@10 of the network by a fifth; on 217 products by nothing.
_MANY_TO_SPREAD, _SPREAD = 1_000, 0.1


class NextBehaviorPredictor(
    ItemFeaturesMixin,
    BasketsMixin,
    NetworkWaitsMixin,
    NetworkEndsMixin,
    EachQueryMixin,
    RankingLossMixin,
    ContinuedFitMixin,
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
        Network that reads the events: "lstm", "gru", "rnn", "cnn", "transformer", "sasrec",
        "esasrec", "hstu" or "bag", or your own causal function. Options of the network are set as
        ``network__n_heads=2``.
    units : int
        Size of the network's state.
    n_layers : int or None
        Number of stacked layers; "bag" has only one. None: the network's own default, 2 for
        "sasrec", "esasrec" and "hstu".
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
        Models that count, whose probabilities are mixed with those of the network. The held-out
        histories decide the weights; then the models count all histories. "auto":
        ``[MarkovChain(order=3), ItemCooccurrence(), HistoryFrequency()]``, with ``item_features``
        also ``ContentSimilarity(repeats=False)``, or none if ``validation_split`` is 0. None: the
        network alone.
    n_negatives : int, "auto" or None
        Number of negatives sampled per batch; of ``negatives="batch"`` at most so many are used.
        None: use all ids. "auto": None for up to 10,000 ids, and 2,000 for more or if
        ``negatives`` is given. For ``loss="gbce"`` "auto" is 256.
    loss : {"softmax", "gbce"}
        "softmax": cross-entropy among all ids, or among the true id and the negatives. "gbce":
        generalised binary cross-entropy [4]_, which asks of each id separately whether it is
        next. See Notes.
    gbce_t : float
        Calibration of ``loss="gbce"``, from 0, plain binary cross-entropy, to 1, scores that are
        the log-odds of the ids. Other losses ignore it.
    negatives : {"auto", "log-uniform", "uniform", "popularity", "batch"} or float
        How negatives are drawn from the ids. "log-uniform": by the rank of their frequency.
        "uniform": all with the same probability. "popularity": in proportion to their counts in
        training. A float between 0, uniform, and 1, popularity: to that power of the counts, such
        as 0.75 [5]_. "batch": the other true ids of the batch, of other histories [6]_. "auto":
        "log-uniform", and for ``loss="gbce"`` "uniform". The loss is corrected for each, so
        that it estimates the sum over all ids without bias.
    label_smoothing : float
        Share of the target probability of each event that is spread evenly over all ids in
        training, to reduce overconfidence. ``val_loss`` uses the original targets.
    temperature : float or None
        Compare the network's state with the vectors of the ids by their cosine, divided by this
        temperature, such as 0.1 [6]_. Popular ids then gain nothing by long vectors. None: by
        their product.
    dropout : float
        Share of the inputs of each layer, and of the output, set to zero in training.
    embedding_dropout : float
        Share of the events whose embedding is set to zero in training, separately in each
        categorical channel, so that the network does not rely on single events.
    optimizer : str, class or keras.optimizers.Optimizer
        Keras optimizer. Its parameters are routed: ``optimizer__weight_decay=0.01``. With plain
        Adam, a step updates only the rows of its batch, not the whole catalogue.
    batch_size : int
        Number of histories per step of the optimizer.
    warm_start : bool
        Whether another ``fit`` continues from the weights of the last, with the codes of its
        encoder: ids that are new are read as unknown ids, and a warning counts them. Counting
        models start again from the histories of the new fit.
    epochs : int
        Maximum number of passes over the training histories. A
        ``ConvergenceWarning`` says if the last was clearly the best, unless there are no more
        epochs than early stopping waits.
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
    end : bool
        Whether to learn as well that no event follows the last one of a history, for
        :meth:`predict_end_proba` and :meth:`sample_paths`. This is right only if the histories are
        complete, such as finished sessions. A history that was cut at a cutoff has not ended. A
        history with a next event in ``y`` has not ended either. All other predictions remain those
        of the next event, if there is one.
    time : str
        List column of the times of the events, to learn how soon the next event comes, for
        :meth:`predict_when`. If X has the ordinary column that the encoder calls ``cutoff``, the
        network also learns that no event came between the last one and the cutoff, unless ``end``
        is True or ``y`` has the next event. None: not learned.
    basket : str
        List column whose equal values next to each other mark events that happened together, such
        as invoice numbers or times; an event without a value is a basket of its own. Each event is
        then predicted from those before its basket alone: what is in the next basket, and not
        which line comes next. The weights of ``counting`` are of such predictions, ``monitor``
        ranks the ids of the last basket, and ``end`` and ``time`` are learned after whole baskets.
        All predictions are for the basket after the last event; :meth:`sample_paths` reads each
        event that it adds as a basket of its own. A column of ids is no channel, unless the
        encoder names it. None: each event is a basket of its own.
    init : BehaviorEmbedder
        Fitted embedder from whose weights training starts. Its encoder and its embedding sizes
        are used, and its network must be the same. In searches and cross-validation, pass
        ``sklearn.frozen.FrozenEstimator(embedder)``.
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
        ``loss`` of the network per event, and ``val_loss``, the same of the histories held
        out, of each epoch; with another monitor also ``val_ndcg@10``, say. With ``refit``, of the
        first training.
    n_iter_ : int
        Number of epochs run; with ``refit``, of the second training.
    best_epoch_ : int
        Epoch, from 1, whose weights early stopping kept, or the last.
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
    estimated from negative samples [2]_: :math:`m` of the ids are drawn, each with probability
    :math:`P(j)`, and

    .. math::

        \\sum_j e^{s_j} \\approx e^{s_{i_t}}
        + \\sum_{j \\text{ drawn}, j \\ne i_t} e^{s_j - \\log(m P(j))}

    is an unbiased estimate. Of n ids, the log-uniform :math:`P(j)` of the one with rank :math:`r`
    by frequency is :math:`\\log\\frac{r + 1}{r} / \\log(n + 1)`. In a batch, :math:`P(j)` is the
    share of the id in training, and :math:`m` the number of events of other histories. Batches
    hold histories of similar length, and ids that are never true in training are never drawn. So
    their sum is that over the other ids. Predictions are always made over all ids.

    With a temperature :math:`\\tau` and label smoothing :math:`\\epsilon`, scores and loss are

    .. math::

        s_j = \\frac{q \\cdot v_j}{\\tau |q| |v_j|} + b_j, \\qquad
        -(1 - \\epsilon) \\log p(i_t) - \\frac{\\epsilon}{n} \\sum_j \\log p(j)

    The loss "gbce" of an event is, without the constant factor of the paper,

    .. math::

        -\\beta \\log \\sigma(s_{i_t}) - \\alpha \\sum_{j \\text{ drawn}, j \\ne i_t}
        \\frac{\\log(1 - \\sigma(s_j))}{m P(j)}, \\qquad \\beta = 1 - t (1 - \\alpha)

    where :math:`\\sigma` is the logistic function, :math:`t` is ``gbce_t`` and :math:`\\alpha` is
    :math:`m / (n - 1)`, at most 1. It is smallest where :math:`s_j` exceeds the log-odds of
    :math:`j` by :math:`\\log(\\beta / \\alpha)`. So the probability of each id is predicted as
    :math:`\\sigma(s_j - \\log(\\beta / \\alpha))`, divided by the sum over all ids. The biases
    begin at the log-odds of the frequencies.

    With ``end``, one more output :math:`e_t` of the network gives the probability
    :math:`1 / (1 + \\exp(-e_t))` that no event follows. The mean cross-entropy of these
    probabilities, over all events, is added to the loss. So the sum is the negative
    log-likelihood of complete histories, per event. The counting models do not take part in it.

    With ``time``, the network also gives a mixture of 8 log-normal distributions of the wait until
    the next event [7]_. The mean of its negative log-likelihood, over all events with a wait, is
    added to the loss. A wait that was still open at the cutoff has the probability of a longer one
    as its likelihood. Logarithms of waits are first scaled to mean 0 and standard deviation 1.
    Waits below the shortest positive wait in ``fit``, such as 0, count as that one.

    For up to 10,000 ids, :math:`q_t` is the network's state concatenated with the embedding of
    the last event, and the vectors of the ids have the same size. For more ids, and for tied
    vectors, a linear layer first reduces it to the size of the embedding, so that a million ids
    fit into memory.

    With ``item_features``, :math:`v_i = e_i + W f_i` and :math:`b_i = c_i + w f_i`, where
    :math:`f_i` are the encoded features of an id and :math:`e_i` and :math:`c_i` its own part. The
    embedding of an event has the same form. In each step of training, a fifth of the own parts,
    drawn at random, are replaced by one that all of them share. An id without events has that
    part too. To a model that counts pairs it is the mean of the ten most similar ids, among the
    10,000 most frequent: by :class:`ContentSimilarity`, or by the cosines of :math:`W f` if that
    is not in ``counting``. Such ids have weights of their own in the mixture, learned from known
    ids scored as if they had no events. They are no classes: :meth:`predict` and
    :meth:`predict_proba` leave them out. Scores of :meth:`predict_top_k` are relative to the sum
    over ``classes_``. The table is a parameter of the constructor, and not of ``fit``: so it is
    part of the model in a pipeline, a search and a file, without metadata routing.

    With ``counting``, the probabilities of network and counting models are averaged with the
    weights ``mixture_weights_``. For ``monitor="loss"`` these are the weights that make the
    held-out events most probable, found by the EM algorithm. For a ranking they are selected
    greedily, in up to 20 steps [3]_. Both use up to 5,000 events, the last ones of each
    history first; fewer for lists of more than 100 ids, or for more than 200,000 ids. Counting
    models ignore positive sample weights.

    References
    ----------
    .. [1] Press, O. and Wolf, L. (2017). Using the output embedding to improve language models.
       EACL.
    .. [2] Bengio, Y. and Senecal, J.-S. (2008). Adaptive importance sampling to accelerate
       training of a neural probabilistic language model. IEEE Transactions on Neural Networks,
       19(4).
    .. [3] Caruana, R. et al. (2004). Ensemble selection from libraries of models. ICML.
    .. [4] Petrov, A. and Macdonald, C. (2023). gSASRec: reducing overconfidence in sequential
       recommendation trained with negative sampling. RecSys.
    .. [5] Mikolov, T. et al. (2013). Distributed representations of words and phrases and their
       compositionality. NeurIPS.
    .. [6] Yi, X. et al. (2019). Sampling-bias-corrected neural modeling for large corpus item
       recommendations. RecSys.
    .. [7] Shchur, O., Bilos, M. and Guennemann, S. (2020). Intensity-free learning of temporal
       point processes. ICLR.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import NextBehaviorPredictor
    >>> X = pd.DataFrame({"page": [["home", "news", "sport"], ["home", "shop"]] * 50})
    >>> options = {"learning_rate": 0.01, "early_stopping": False, "random_state": 0}
    >>> model = NextBehaviorPredictor(units=16, **options).fit(X)
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
            *("network", "units", "n_layers", "embedding_dim", "dropout", "l1", "l2", "freeze"),
            *("optimizer", "learning_rate", "batch_size", "epochs", "validation_split", "init"),
            *("early_stopping", "callbacks", "device", "precision", "verbose", "random_state"),
            *("embedding_dropout", "label_smoothing", "warm_start", "adapter_rank"),
            "average_weights",
        ),
        "encoder": [SequenceEncoder, None],
        "dropout": SHARE,
        "bypass": ["boolean"],
        "tied": ["boolean"],
        "item_features": "no_validation",
        "counting": [list, tuple, StrOptions({"auto"}), None],
        "n_negatives": [*ONE_OR_MORE, StrOptions({"auto"}), None],
        "loss": [StrOptions({"softmax", "gbce"})],
        "gbce_t": [Interval(Real, 0, 1, closed="both")],
        "negatives": [
            StrOptions({"auto", "log-uniform", "uniform", "popularity", "batch"}),
            Interval(Real, 0, 1, closed="both"),
        ],
        "temperature": [Interval(Real, 0, None, closed="neither"), None],
        "monitor": [str],
        "refit": ["boolean"],
        "end": ["boolean"],
        "time": [str, None],
        "basket": [str, None],
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
        loss="softmax",
        gbce_t=0.75,
        negatives="auto",
        label_smoothing=0.0,
        temperature=None,
        dropout=0.4,
        embedding_dropout=0.0,
        l1=0.0,
        l2=0.0,
        optimizer="adam",
        learning_rate=0.002,
        batch_size=128,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        monitor="loss",
        average_weights=True,
        refit=False,
        end=False,
        time=None,
        basket=None,
        callbacks=None,
        warm_start=False,
        device="auto",
        precision="auto",
        verbose=0,
        init=None,
        freeze=None,
        adapter_rank=None,
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
            If the target does not exist, cannot be determined, or holds no ids; ``time`` does not
            exist, holds no times, or goes back; or ``basket`` does not exist.
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
            resume = self.warm_start and self.__sklearn_is_fitted__()
            columns = self._find_target(X, resume)
            counting = read_counting(self.counting, self.target_, self.item_features is not None)
            samples = self._read_samples(X, y, sample_weight, columns, counting, resume)
            data, following, weights = samples
            n_negatives = self._negatives()
            self._learn_offset(n_negatives)
            spec, start = self._starting_point(data, resume)
            objective = Objective(spec, self._event_loss(n_negatives))
            held_out = self._train(samples, objective, start=start)
            self._fold_features()
            self._warn_of_last_epoch()
            if not data.lengths[held_out].any():
                self._check_needs_no_held_out(
                    f"none with an event is held out of {len(data):,}. Give more histories"
                )
            following = np.where(weights > 0, self._positions()[following.astype(np.int64)], -1)
            learned = self._seen(X).only(weights > 0).with_next(following)
            self._mix(counting, learned, data, held_out)
            if self.refit:
                self._train_on_all(samples, objective, start)
        return self

    def _find_target(self, X, resume):
        """The columns of X, after ``target_`` is found among them."""
        columns, target = split_target(X, self.target, but=self.basket)
        if resume:
            self._check_continues(target, self._chosen_encoder())
        self.target_ = target
        if not columns.lists[target].offsets[-1]:
            raise ValueError(
                f"There is nothing to learn from: none of the {columns.n_rows:,} histories in "
                f"{target!r} holds an event."
            )
        return columns

    def _read_samples(self, X, y, sample_weight, columns, counting, resume):
        """Sequences, the codes of what followed, and weights; what they say is learned first."""
        column, baskets = columns.lists[self.target_], self._read_baskets(columns)
        data = self._read_more(X, columns) if resume else self._learn_codes(X, columns)
        data = self._with_last_baskets(data, X, column, baskets)
        following = self._note_known_next(self._code_of_next(y, columns), y)
        self._learn_items(counting)
        self._learn_attributes(data, more=resume)
        weights = weights_of_events(data, following, sample_weight)
        data = self._with_baskets(self._with_waits(data, X, following), column, baskets)
        return data, following.astype(np.float32), weights

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

    def _first_weights(self, spec):
        """Embeddings of many ids start close together: few events move each of them."""
        size, rng = len(self.classes_), check_random_state(self.random_state)
        place, weights = self._place, self._start_of_features(spec)
        # With features these decide first, and events correct them.
        if size > _MANY_TO_SPREAD or weights:
            shape = spec.vocabulary_sizes[place], spec.embedding_dims[place]
            embeddings = _SPREAD * rng.standard_normal(shape).astype(np.float32)
            weights[f"embedding_{place}/embeddings"] = embeddings
        if self._offset is not None:
            weights[f"output_embedding_{place}/bias"] = self._first_bias(spec)
        return weights

    def _train_on_all(self, samples, objective, start):
        """Train again on all histories, for the epochs that were best."""
        first = self._sequence_model
        n_epochs = best_epoch(first.history[f"val_{self.monitor}"], self.monitor)
        self._train(samples, objective, start=start, n_epochs=n_epochs)
        self._fold_features()
        self._sequence_model = replace(self._sequence_model, history=first.history)

    def _learn_codes(self, X, columns):
        """Fit the encoder, and the sequences in its codes; the ids that have one."""
        encoder = self._chosen_encoder()
        if self.init is None:
            encoded = self._fit_basket_encoder(encoder, X, columns)
        else:
            encoded = self._take_encoder(find_embedder(self.init), X)
        refuse_age(self.encoder_)
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
                warn_of_unseen(values, present, columns.lists[self.target_])
        return codes

    def _spec(self):
        compact = self._has_many_ids
        bypass, tied = bool(self.bypass), bool(self.tied)
        temperature = None if self.temperature is None else float(self.temperature)
        head = EventHead(
            (self._place,),
            begin=True,
            tied=tied,
            bypass=bypass,
            compact=compact,
            end=bool(self.end),
            waits=self._n_wait_parts,
            temperature=temperature,
            # Embeddings that start close together make small products, and so small steps of the
            # scores. Divided too, they learned toys half as fast.
            scaled=self.init is not None or len(self.classes_) <= _MANY_TO_SPREAD,
        )
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
        at, offsets = ranges(data.starts, data.starts + data.lengths)
        found = self._places_of(data.codes[at, self._place])
        offsets = offsets_of(found >= 0)[offsets]
        self, data = self._that_reads(data)
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
        logits = histories.queries @ vectors.T + bias
        return self._odds(self._with_new(logits, histories.queries))

    def _code_vectors(self):
        """Vector and bias of each id of the catalogue; of length 1 with a temperature."""
        model, place = self._sequence_model, self._place
        name = f"output_embedding_{place}/code_vectors"
        if self.spec_.head.tied:
            name = f"embedding_{place}/embeddings"
        vectors, bias = model.weight(name), model.weight(f"output_embedding_{place}/bias")
        # The codes are mostly consecutive, and then no copy is needed.
        known = slice(self._codes[0], self._codes[-1] + 1)
        if self._codes[-1] - self._codes[0] + 1 != len(self._codes):
            known = self._codes
        vectors, bias = vectors[known], bias[known]
        if self.spec_.head.temperature is not None:
            # The squared lengths are not below what TensorFlow takes in training.
            squares = np.einsum("ij,ij->i", vectors, vectors)
            vectors = vectors / np.sqrt(np.maximum(squares, np.float32(1e-12)))[:, None]
        return vectors, bias

    def __setstate__(self, state):
        # Earlier versions did neither, so a clone of theirs does not either.
        super().__setstate__({"counting": None, "average_weights": False} | state)


document(NextBehaviorPredictor, {}, {})
