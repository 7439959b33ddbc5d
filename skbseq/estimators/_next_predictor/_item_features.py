"""Products that have features: what a network learns of them, and predictions of new ones."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from skbseq import _frames
from skbseq._checks import check_random_state
from skbseq._next_event import (
    Content,
    ContentSimilarity,
    KeepsItemTable,
    Trial,
    check_covers,
    describes_products,
    join_ids,
    kept_ids,
    named_ids,
    read_candidates,
    read_item_table,
    shallow,
    split_known,
)
from skbseq._sequences import UNKNOWN, ranges, round_up
from skbseq._targets import index_in_classes, split_target
from skbseq.preprocessing._item_features import ItemEncoder, nothing_told

# Share of ids that are predicted and read by their features alone in a step of training. With
# few, the features learn little that holds for a new id; with many, ids with events lose.
OWN_DROPOUT = 0.2
# To the counting models a new id is the mean of so many ids that are like it, of the most
# frequent ones: of rare ids counts say little.
_N_ALIKE, _MOST_FREQUENT = 10, 10_000
_CELLS = 2**24  # of likenesses in memory at a time
_N_TRIED = 2_000  # events that decide the weights for products without events


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
        kept = kept_ids(self.ids, ids)
        return replace(
            self,
            ids=join_ids(self.ids[kept], ids),
            features=np.concatenate([self.features[kept], features]),
        )


@dataclass(frozen=True)
class Asked:
    """Products without events that a call asks for.

    Parameters
    ----------
    rows : ndarray of int64 of shape (n_asked,)
        Their places among the products without events.
    vectors : ndarray of float32 of shape (n_asked, size)
    bias : ndarray of float32 of shape (n_asked,)
    alike : sparse array of shape (n_asked, n_classes)
        Shares of the ids with events (columns) that counting models take each product for.
    """

    rows: np.ndarray
    vectors: np.ndarray
    bias: np.ndarray
    alike: sparse.csr_array

    @classmethod
    def of(cls, items, rows, alike):
        """What is asked of some products, and the shares of the ids that are like them."""
        known, features = items.projections, items.features[rows]
        vectors, bias = (known.of(features, name) for name in ("vector", "bias"))
        return cls(rows, vectors, bias, alike)


def shares_of_alike(own, others, power, codes, n_classes):
    """Shares of the ten others that each of some ids is most like.

    Parameters
    ----------
    own, others : ndarray or sparse array of shape (n_ids, size) and (n_others, size)
        Their products are likenesses; the others are the first ids of the catalogue.
    power : float
        Of the likenesses.
    codes : ndarray of int64 of shape (n_ids,)
        An id is not like itself.
    n_classes : int

    Returns
    -------
    sparse array of shape (n_ids, n_classes)
    """
    n = min(_N_ALIKE, others.shape[0])
    step, parts = max(1, _CELLS // others.shape[0]), []
    for start in range(0, own.shape[0], step):
        found = own[start : start + step] @ others.T
        found = found if isinstance(found, np.ndarray) else found.toarray()
        itself = codes[start : start + step]
        rows = np.flatnonzero(itself < others.shape[0])
        found[rows, itself[rows]] = -1
        at = np.argpartition(-found, n - 1, axis=1)[:, :n]
        # Above zero, so that an id that is like no other is the mean of them.
        parts.append((at, np.maximum(np.take_along_axis(found, at, axis=1), 1e-6) ** power))
    at, shares = (np.concatenate(found) for found in zip(*parts, strict=True))
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(own.shape[0]), n)
    return sparse.csr_array((shares.ravel(), (rows, at.ravel())), shape=(own.shape[0], n_classes))


def unit(vectors):
    """Vectors scaled to length 1; those of length 0 stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


class ItemFeaturesMixin(KeepsItemTable):
    """``item_features`` of a next-event model that reads encoded sequences.

    Its ``fit`` calls ``_learn_items``, gives the network ``_n_features`` and the weights of
    ``_start_of_features``, and calls ``_fold_features`` when the network is trained. From then on
    the embedding and the vector of each id with events contain what its features give.
    """

    _items = None
    _content = None  # what a content-based model in the mixture compares
    _asked = None  # the products without events that a call of predict_top_k asks for

    @property
    def _n_features(self):
        return 0 if self._items is None else self._items.encoder.n_features

    # ---------------------------------------------------------------- fit

    def _learn_items(self, counting):
        """Learn to encode the table, and keep what describes products without events."""
        self._items = self._content = None
        if self.item_features is None:
            return
        table, ids = read_item_table(self.item_features, self.target_, "item_features")
        catalogue = self._catalogue()
        found, cold = split_known(ids, catalogue, "item_features")
        check_covers(found, catalogue)
        if any(map(_takes_content, counting)):
            self._content = Content.of(table, found, cold, len(catalogue), self.target_)
            if not self._content.matcher.parts and self.counting != "auto":
                raise nothing_told(self._content.matcher.names)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        encoder = ItemEncoder(table, self.target_, np.random.default_rng([seed, 7]))
        features = encoder.transform(table)
        known = np.zeros((len(catalogue), encoder.n_features), np.float32)
        known[found[found >= 0]] = features[found >= 0]
        self._items = Items(encoder, cold, features[found < 0], known[:_MOST_FREQUENT])
        self._code_features = known

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
        is_table = _frames.is_frame(candidates) and describes_products(candidates, self.target_)
        if self._items is None:
            if is_table:
                raise ValueError(
                    "candidates is a table of products, but the model was fitted without "
                    "item_features, so their columns say nothing to it. Give the ids alone, "
                    f"candidates=table[{self.target_!r}], or fit with item_features=."
                )
            return super()._knowing(candidates)
        model = self
        if is_table:
            table, candidates = read_item_table(candidates, self.target_, "candidates")
            found, ids = split_known(candidates, self._catalogue(), "candidates")
            model = self._with_table(table, ids, found < 0)
        values = None if candidates is None else read_candidates(candidates)
        return model._with_classes(values), values

    def _with_table(self, table, ids, chosen):
        """The model with the products without events of another table."""
        items, content = self._items, self._content
        items = items.with_table(ids, items.encoder.transform(table)[chosen])
        if content is not None:
            content = content.with_table(table, ids, chosen)
        return shallow(self, _items=items, _content=content)

    def _with_classes(self, values):
        """The model with the products without events that candidates name, as further classes."""
        rows, n_classes = named_ids(values, self._items.ids), len(self.classes_)
        if not len(rows):
            return self
        return shallow(
            self,
            classes_=join_ids(self.classes_, self._items.ids[rows]),
            _by_frequency=np.append(self._by_frequency, n_classes + np.arange(len(rows))),
            _asked=Asked.of(self._items, rows, self._alike(rows)),
        )

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
        return shallow(self, _sequence_model=replace(model, spec=spec, weights=weights))

    def _with_new(self, logits, queries):
        """Logits of ids with events, and of the products without events that are asked for."""
        if self._asked is None:
            return logits
        new = queries @ self._to_compare(self._asked.vectors).T + self._asked.bias
        return np.concatenate([logits, new], axis=1)

    def _to_compare(self, vectors):
        """Vectors of ids as they are compared with queries."""
        return vectors if self.spec_.head.temperature is None else unit(vectors)

    def _can_compare(self, model):
        """Whether the table says anything that a content-based model can compare."""
        content = self._content
        return not _takes_content(model) or content is None or bool(content.matcher.parts)

    def _alike(self, rows):
        """Shares of the ids with events (columns) that products without events are like."""
        _, models = vars(self).get("_mixture") or ((), ())
        n_classes = len(self.class_count_)
        return self._alike_by(models, self._items.features[rows], n_classes + rows)

    def _alike_by(self, models, features, codes):
        """Shares of the most frequent other ids that these are like.

        With a content-based model, that is as it compares them. Else it is as the network weighs
        the features, for it has learned which of them matter.
        """
        n_classes = len(self.class_count_)
        model = next((model for model in models if _takes_content(model)), None)
        if model is None:
            _, kernel = self._items.projections.vector
            own, others = unit(features @ kernel), unit(self._items.frequent @ kernel)
            return shares_of_alike(own, others, 1, codes, n_classes)
        among, scales = np.arange(min(n_classes, _MOST_FREQUENT)), model._column_scales
        own = self._content.rows(codes) * scales[None, :]
        others = self._content.rows(among)
        return shares_of_alike(own, others, model.power, codes, n_classes)

    def _weigh_for_new(self, models, asked, truth):
        """Weights of network and models for products without events, by events of known ones.

        The most frequent ids are all scored as if they had no events: by their features, and by
        the counts of others that are like them. The weights make the true ids most probable.
        """
        if self._items is None:
            return None
        features = self._items.frequent
        codes = np.arange(len(features))
        chosen = np.flatnonzero(truth < len(codes))[:_N_TRIED]
        if not len(chosen):
            return None
        known = self._items.projections
        vectors = self._to_compare(known.of(features, "vector")).T
        bias = known.of(features, "bias")
        alike = self._alike_by(models, features, codes)

        def score(part):
            scores = [self._odds(part.queries @ vectors + bias)]
            for model in models:
                found = model._scores(part)
                own = self._reads_new_ids(model)
                scores.append(found[:, : len(codes)] if own else (alike @ found.T).T)
            return scores

        trial = Trial.of(score, asked.take(chosen), truth[chosen], len(codes), "loss")
        return trial.likeliest_weights()

    def _reads_new_ids(self, model):
        """Whether a counting model has scores of its own for products without events."""
        # One with a table of its own has other products.
        return self._items is not None and model._reads_new and _shares_table(model)

    def _count_scores(self, model, histories):
        """Scores of a counting model for the classes and the products that are asked for."""
        n_classes, asked = len(self.class_count_), self._asked
        if self._reads_new_ids(model):
            more = np.zeros(0, np.int64) if asked is None else n_classes + asked.rows
            if _takes_content(model):
                model = shallow(model, _content=self._content)
            return model._scores_with(histories, more)
        scores = model._scores(histories.below(n_classes))
        if asked is None:
            return scores
        # A product without events gets the scores of those like it.
        return np.concatenate([scores, (asked.alike @ scores.T).T], axis=1)

    def _places_of(self, codes):
        """Place of codes in the catalogue; after it, those of products without events.

        The place is -1 for other codes, and for all of these products if no counting model reads
        them, as in files of earlier versions.
        """
        positions = self._positions()
        found = positions[np.minimum(codes, len(positions) - 1)]
        _, models = vars(self).get("_mixture") or ((), ())
        read = any(map(self._reads_new_ids, models))
        more = len(self.class_count_) + codes - len(positions)
        return np.where(codes < len(positions), found, more if read else -1)


def _shares_table(model):
    return getattr(model, "item_features", None) is None


def _takes_content(model):
    """Whether a counting model compares the products of the table of the network."""
    return isinstance(model, ContentSimilarity) and _shares_table(model)
