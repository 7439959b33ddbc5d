"""Products that have features: what a network learns of them, and predictions of new ones."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from skbseq import _frames
from skbseq._checks import check_random_state, shown
from skbseq._next_event import read_candidates
from skbseq._sequences import UNKNOWN, ranges, round_up
from skbseq._targets import index_in_classes, split_target, to_ids
from skbseq.preprocessing._item_features import ItemEncoder

# Share of ids that are predicted and read by their features alone in a step of training. With
# few, the features learn little that holds for a new id; with many, ids with events lose.
OWN_DROPOUT = 0.2
# To the counting models a new id is the mean of so many ids that are like it, of the most
# frequent ones: of rare ids counts say little.
_N_ALIKE, _MOST_FREQUENT = 10, 10_000
_CELLS = 2**24  # of likenesses in memory at a time


@dataclass(frozen=True)
class Projections:
    """What turns features into the embedding, the vector and the bias of an id without events.

    Parameters
    ----------
    embedding, vector, bias : tuple of (ndarray, ndarray)
        The part that all such ids share, and what features are multiplied by.
    """

    embedding: tuple
    vector: tuple
    bias: tuple

    def of(self, features, name):
        """Embeddings, vectors or biases of some ids."""
        shared, kernel = getattr(self, name)
        return shared + features @ kernel


@dataclass(frozen=True)
class Items:
    """What a model knows of products by their features.

    Parameters
    ----------
    encoder : ItemEncoder
    ids : ndarray
        Products without events.
    features : ndarray of float32 of shape (n_items, n_features)
        Their features.
    frequent : ndarray of float32 of shape (n_frequent, n_features)
        Features of the most frequent ids with events.
    projections : Projections, default=None
        None: not trained yet.
    """

    encoder: ItemEncoder
    ids: np.ndarray
    features: np.ndarray
    frequent: np.ndarray
    projections: Projections | None = None

    def take(self, rows):
        """Some of the products without events."""
        return replace(self, ids=self.ids[rows], features=self.features[rows])

    def with_table(self, ids, features):
        """The products with those of another table, which replace the ones of the same id."""
        again = index_in_classes(_frames.make_array(self.ids), ids, "candidates") >= 0
        return replace(
            self,
            ids=join_ids(self.ids[~again], ids),
            features=np.concatenate([self.features[~again], features]),
        )

    def alike(self, n_classes):
        """Shares of the ids with events (columns) that counting models take each id (row) for."""
        # As the network weighs the features: it has learned which of them matter.
        _, kernel = self.projections.vector
        own, others = unit(self.features @ kernel), unit(self.frequent @ kernel)
        n = min(_N_ALIKE, len(others))
        step, parts = max(1, _CELLS // len(others)), []
        for start in range(0, len(own), step):
            likeness = own[start : start + step] @ others.T
            codes = np.argpartition(-likeness, n - 1, axis=1)[:, :n]
            # Above zero, so that an id that is like no other is the mean of them.
            parts.append((codes, np.maximum(np.take_along_axis(likeness, codes, axis=1), 1e-6)))
        codes, shares = (np.concatenate(found) for found in zip(*parts, strict=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows = np.repeat(np.arange(len(own)), n)
        return sparse.csr_array(
            (shares.ravel(), (rows, codes.ravel())), shape=(len(own), n_classes)
        )


@dataclass(frozen=True)
class Asked:
    """Products without events that a call asks for.

    Parameters
    ----------
    vectors : ndarray of float32 of shape (n_asked, size)
    bias : ndarray of float32 of shape (n_asked,)
    alike : sparse array of shape (n_asked, n_classes)
        Of :meth:`Items.alike`.
    """

    vectors: np.ndarray
    bias: np.ndarray
    alike: sparse.csr_array

    @classmethod
    def of(cls, items, n_classes):
        """What is asked of some products."""
        known, features = items.projections, items.features
        vectors, bias = (known.of(features, name) for name in ("vector", "bias"))
        return cls(vectors, bias, items.alike(n_classes))


def unit(vectors):
    """Vectors scaled to length 1; those of length 0 stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def join_ids(first, second):
    """Two arrays of ids of the same kind as one."""
    if first.dtype != second.dtype and {first.dtype.kind, second.dtype.kind} == {"i", "u"}:
        first = first.astype(object)  # NumPy would make floats of them
    return np.concatenate([first, second])


class ItemFeaturesMixin:
    """``item_features`` of a next-event model that reads encoded sequences.

    Its ``fit`` calls ``_learn_items``, gives the network ``_n_features`` and the weights of
    ``_start_of_features``, and calls ``_fold_features`` when the network is trained. From then on
    the embedding and the vector of each id with events contain what its features give.
    """

    _items = None
    _asked = None  # the products without events that a call of predict_top_k asks for

    @property
    def _n_features(self):
        return 0 if self._items is None else self._items.encoder.n_features

    # ---------------------------------------------------------------- fit

    def _learn_items(self):
        """Learn to encode the table, and keep what describes products without events."""
        self._items = None
        if self.item_features is None:
            return
        table, ids = self._read_table(self.item_features, "item_features")
        catalogue = self._catalogue()
        found = index_in_classes(ids, catalogue, "item_features")
        _check_covers(found, catalogue)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        encoder = ItemEncoder(table, self.target_, np.random.default_rng([seed, 7]))
        features = encoder.transform(table)
        known = np.zeros((len(catalogue), encoder.n_features), np.float32)
        known[found[found >= 0]] = features[found >= 0]
        new = np.flatnonzero(found < 0)
        cold = to_ids(_frames.in_kind_of(_frames.take(ids, new), _frames.make_array(catalogue)))
        self._items = Items(encoder, cold, features[new], known[:_MOST_FREQUENT])
        self._code_features = known

    def _read_table(self, table, name):
        """An Arrow table of products and its ids, which must be there once each."""
        if not _frames.is_frame(table):
            raise ValueError(
                f"{name} must be a table with a row for each product: a column {self.target_!r} "
                f"of ids, and columns that describe them; got {shown(table)}."
            )
        table = _frames.to_arrow(table)
        if self.target_ not in table.column_names:
            raise ValueError(
                f"{name} has no column {self.target_!r}, the ids of the target. It has "
                f"{', '.join(map(repr, table.column_names))}. Rename the column of ids."
            )
        ids = _frames.decode_strings(_frames.as_array(table[self.target_]))
        missing = _frames.is_missing(ids)
        if missing.any():
            raise ValueError(
                f"Row {_frames.first_row(missing)} of {name} has no id in {self.target_!r}. Drop "
                "such rows."
            )
        codes, _ = _frames.encode(ids)
        _, first, again = np.unique(codes, return_index=True, return_inverse=True)
        if len(first) < len(codes):
            row = _frames.first_row(first[again] != np.arange(len(codes)))
            raise ValueError(
                f"{name} describes {ids[row].as_py()!r} twice, in rows {first[again[row]]} and "
                f"{row}. Keep one row for each product."
            )
        return table, ids

    def _start_of_features(self, spec):
        """Initial weights of a network: the features, which are not trained."""
        if self._items is None:
            return {}
        features = np.zeros((spec.vocabulary_sizes[self._place], self._n_features), np.float32)
        features[self._codes] = vars(self).pop("_code_features")
        return {"item_features/features": features}

    def _fold_features(self):
        """Add what features give to the embeddings and vectors; the network is one without them.

        Prediction then costs what it costs without features.
        """
        if self._items is None:
            return
        model, head, place = self._sequence_model, self.spec_.head, self._place
        embedding = f"embedding_{place}/embeddings"
        output = f"output_embedding_{place}"
        kernels = {
            embedding: model.weight(f"feature_projection_{place}/kernel"),
            f"{output}/bias": model.weight(f"{output}/feature_bias"),
        }
        vector = embedding
        if not head.tied:
            vector = f"{output}/code_vectors"
            kernels[vector] = model.weight(f"{output}/kernel")
        features = model.weight("item_features/features")
        # The unknown code stood for the own part of ids that were hidden.
        parts = {n: (model.weight(n)[UNKNOWN], kernel) for n, kernel in kernels.items()}
        projections = Projections(parts[embedding], parts[vector], parts[f"{output}/bias"])
        weights = [
            weight + features @ kernels[name] if name in kernels else weight
            for name, weight in zip(model.weight_names, model.weights, strict=True)
        ]
        plain = replace(self.spec_, head=replace(head, n_features=0, own_dropout=0.0))
        self._sequence_model = replace(model, weights=weights).with_spec(plain)
        self._items = replace(self._items, projections=projections)

    # --------------------------------------------------------- prediction

    def _knowing(self, candidates):
        is_table = _frames.is_frame(candidates) and self._describes_products(candidates)
        if self._items is None:
            if is_table:
                raise ValueError(
                    "candidates is a table of products, but the model was fitted without "
                    "item_features, so their columns say nothing to it. Give the ids alone, "
                    f"candidates=table[{self.target_!r}], or fit with item_features=."
                )
            return super()._knowing(candidates)
        items = self._items
        if is_table:
            table, candidates = self._read_table(candidates, "candidates")
            new = index_in_classes(candidates, self._catalogue(), "candidates") < 0
            among = _frames.make_array(self._catalogue())
            ids = to_ids(_frames.in_kind_of(_frames.take(candidates, np.flatnonzero(new)), among))
            items = items.with_table(ids, items.encoder.transform(table)[new])
        values = None if candidates is None else read_candidates(candidates)
        return self._with_classes(items, values), values

    def _describes_products(self, table):
        """Whether a table has a column of ids, and not of lists."""
        names = _frames.column_names(table)
        return self.target_ in names and _frames.kind_of(
            _frames.to_arrow(_frames.select_columns(table, [self.target_]))[self.target_].type
        ) not in ("list", "null")

    def _with_classes(self, items, values):
        """The model with the products without events that candidates name, as further classes."""
        found = np.zeros(0, np.int64)
        if values is not None and _frames.kind_of(values.type) == "list":
            values = _frames.to_lists(values, "candidates", nested=True).values
        # Lists of lists are refused later.
        if values is not None and len(items.ids) and _frames.kind_of(values.type) != "list":
            found = index_in_classes(values, items.ids, "candidates")
        asked = items.take(np.unique(found[found >= 0]))
        model = _shallow(self, _items=items)
        if len(asked.ids):
            n = len(self.classes_)
            model.classes_ = join_ids(self.classes_, asked.ids)
            more = np.arange(n, n + len(asked.ids))
            model._by_frequency = np.append(self._by_frequency, more)
            model._asked = Asked.of(asked, n)
        return model

    def _sequences(self, X):
        """Sequences of a raw frame, with further codes for products without events."""
        return self._with_new_codes(super()._sequences(X), X)

    def _with_new_codes(self, data, X):
        """Sequences of a raw frame in which products without events have further codes."""
        items = self._items
        if items is None or not len(items.ids):
            return data
        at, _ = ranges(data.starts, data.starts + data.lengths)
        unknown = np.flatnonzero(self._positions()[data.codes[at, self._place]] < 0)
        if not len(unknown):
            return data
        lists = split_target(X, self.target_)[0].lists[self.target_]
        ends = lists.offsets[1:]  # the encoder may have left out the first events
        raw, _ = ranges(ends - data.lengths, ends)
        values = _frames.decode_strings(_frames.take(lists.values, raw[unknown]))
        found = index_in_classes(values, items.ids, repr(self.target_))
        codes, size = data.codes.copy(), self.spec_.vocabulary_sizes[self._place]
        codes[at[unknown[found >= 0]], self._place] = size + found[found >= 0]
        return replace(data, codes=codes)

    def _that_reads(self, data):
        """A model with embeddings of all codes of these sequences, and the sequences."""
        place = self._place
        size = self.spec_.vocabulary_sizes[place]
        if self._items is None or data.codes[:, place].max(initial=0) < size:
            return self, data
        at = np.flatnonzero(data.codes[:, place] >= size)
        used, codes = np.unique(data.codes[at, place] - size, return_inverse=True)
        data = replace(data, codes=data.codes.copy())
        data.codes[at, place] = size + codes
        return self._with_codes(self._items.take(used)), data

    def _with_codes(self, items):
        """The model with embeddings of some products without events after those of its codes."""
        model, place = self._sequence_model, self._place
        sizes = list(model.spec.vocabulary_sizes)
        more = round_up(len(items.ids))  # so that few graphs are built
        sizes[place] += more
        rows = items.projections.of(items.features, "embedding")
        rows = np.pad(rows, [(0, more - len(rows)), (0, 0)])
        embedding, output = f"embedding_{place}/embeddings", f"output_embedding_{place}/"
        weights = []
        for name, weight in zip(model.weight_names, model.weights, strict=True):
            if name == embedding:
                weight = np.concatenate([weight, rows])
            elif name.startswith(output):  # not used, but of the same number of codes
                weight = np.pad(weight, [(0, more)] + [(0, 0)] * (weight.ndim - 1))
            weights.append(weight)
        spec = replace(model.spec, vocabulary_sizes=tuple(sizes))
        return _shallow(self, _sequence_model=replace(model, spec=spec, weights=weights))

    def _with_new(self, logits, queries):
        """Logits of ids with events, and of the products without events that are asked for."""
        if self._asked is None:
            return logits
        vectors = self._asked.vectors
        if self.spec_.head.temperature is not None:
            vectors = unit(vectors)
        new = queries @ vectors.T + self._asked.bias
        return np.concatenate([logits, new], axis=1)

    def _count_scores(self, model, histories):
        """Scores of a counting model; a product without events gets those of products like it."""
        scores = super()._count_scores(model, histories)
        if self._asked is None:
            return scores
        return np.concatenate([scores, (self._asked.alike @ scores.T).T], axis=1)

    # -------------------------------------------------------------- state

    def __getstate__(self):
        state = super().__getstate__()
        if state.get("item_features") is not None and _frames.is_frame(state["item_features"]):
            # As bytes, which a model file can hold.
            table = state["item_features"]
            packed = _frames.pack_table(_frames.to_arrow(table)), _frames.library_of(table)
            state = state | {"item_features": packed}
        return state

    def __setstate__(self, state):
        if isinstance(packed := state.get("item_features"), tuple):
            table = _frames.unpack_table(packed[0])
            columns = {name: table[name] for name in table.column_names}
            table = _frames.frame_from_columns(columns, like=packed[1])
            state = state | {"item_features": table}
        super().__setstate__(state)


def _check_covers(found, catalogue):
    """Warn of ids with events that the table does not describe; refuse one that describes none."""
    lacking = np.ones(len(catalogue), bool)
    lacking[found[found >= 0]] = False
    if not lacking.any():
        return
    names = catalogue[lacking][:5].tolist()
    named = ", ".join(map(repr, names)) + (" and others" if lacking.sum() > 5 else "")
    said = f"{int(lacking.sum()):,} of the {len(catalogue):,} ids with events have no row"
    if lacking.all():
        raise ValueError(
            f"{said} in item_features, such as {named}. Give the table of the same products."
        )
    warnings.warn(
        f"{said} in item_features, the most frequent being {named}. They are learned from their "
        "events alone. Add rows for them; their columns may hold missing values.",
        UserWarning,
        stacklevel=2,
    )


def _shallow(model, **changed):
    """A model that shares all attributes but some with another."""
    copy = object.__new__(type(model))
    vars(copy).update(vars(model) | changed)
    return copy
