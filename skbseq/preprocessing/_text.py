"""Text channels: latent semantic analysis of the words."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from skbseq import _frames
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._vector import VectorScale

# Rarer words occur too seldom to learn much from, and each takes memory.
_MOST_WORDS = 20_000
# Includes words of one character, such as a size, a digit or the letter of a model.
_WORD = r"(?u)\b\w+\b"
# Relative to the largest singular value. In directions below it, the texts do not differ.
_LEAST = 1e-6


class TextChannel:
    """Turns a text channel into a few components, and flags missing texts.

    Latent semantic analysis (Deerwester et al., 1990): the words of a text, weighted by TF-IDF,
    are projected on the first singular vectors of the distinct texts seen at fit.
    """

    def __init__(self, name, values, options, place):
        self.name = name
        codes, texts = self._read(place.cut(values))
        self.flagged = bool((codes < 0).any())
        # Sorted, because sums of floats depend on their order, and the result must not depend on
        # the order of the rows.
        self._learn(np.sort(texts), options)
        self.names = [f"{name}_{i}" for i in range(len(self.components))]
        if self.flagged:
            self.names.append(f"{name}_missing")

    def _read(self, values):
        """Codes of the texts, -1 for missing, and the distinct texts."""
        kind = _frames.kind_of(values.type)
        if kind not in ("string", "null"):
            raise SequenceFrameError(
                f"{self.name!r} holds {kind} values, which are not text. Convert them to strings, "
                "or leave the column out of text=."
            )
        # Decoded, so that the unused categories of a categorical are not texts.
        codes, texts = _frames.encode(_frames.decode_strings(values))
        return codes, _frames.to_objects(texts.drop_null())

    def _learn(self, texts, options):
        reader = TfidfVectorizer(token_pattern=_WORD, max_features=_MOST_WORDS)
        analyze = reader.build_analyzer()
        if any(analyze(text) for text in texts):
            weights = reader.fit_transform(texts)
            _, strengths, components = randomized_svd(
                weights,
                min(options["text_size"], *weights.shape),
                random_state=options["random_state"],
            )
            components = components[strengths > _LEAST * strengths[0]]
            self.reader = _make_reader(reader.get_feature_names_out(), reader.idf_)
        else:
            self.reader, components = None, np.zeros((0, 0))
        self.components = np.ascontiguousarray(components, np.float32)
        self.scale = VectorScale(self._vectors(texts))

    def _vectors(self, texts):
        """Components of shape (n_texts, n_components)."""
        if self.reader is None or not len(texts):
            return np.zeros((len(texts), len(self.components)))
        return self.reader.transform(texts) @ self.components.T.astype(np.float64)

    def learnt(self):
        """Everything that determines the components."""
        words = [] if self.reader is None else self.reader.get_feature_names_out()
        idf = [] if self.reader is None else [self.reader.idf_]
        hashes = _frames.hash_values(_frames.make_array(list(words)))
        return [hashes, *idf, self.components, self.scale.length]

    def transform(self, values, place):
        """Scaled components by output name; a missing text becomes zeros and is flagged."""
        codes, texts = self._read(place.cut(values))
        scaled = self.scale(self._vectors(texts))
        scaled = np.pad(scaled, [(0, 0), (0, 1)])  # zeros at the end, where code -1 points
        result = {f"{self.name}_{i}": row[codes] for i, row in enumerate(scaled)}
        missing = codes < 0
        if self.flagged:
            result[f"{self.name}_missing"] = missing.astype(np.float32)
        elif missing.any():
            place.warn_of_missing(self.name, missing, taken_as="texts without a known word")
        return result

    def __getstate__(self):
        # Only the words and their weights; `_make_reader` makes the TfidfVectorizer from them.
        state = dict(vars(self))
        reader = state.pop("reader")
        if reader is not None:
            words = _frames.make_array(reader.get_feature_names_out())
            state |= {"words": _frames.pack_array(words), "idf": reader.idf_}
        return state

    def __setstate__(self, state):
        words, idf = state.pop("words", None), state.pop("idf", None)
        vars(self).update(state)
        known = words is not None
        self.reader = _make_reader(_frames.unpack_array(words), idf) if known else None


def _make_reader(words, idf):
    """A fitted TfidfVectorizer, made from arrays only."""
    reader = TfidfVectorizer(token_pattern=_WORD, vocabulary=words.tolist())
    reader.idf_ = idf
    return reader
