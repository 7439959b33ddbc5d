"""Text channels: latent semantic analysis of the words or of character n-grams."""

from numbers import Integral

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from skbseq import _frames
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._evidence import count_uncut, warn
from skbseq.preprocessing._vector import VectorScale

# Rarer words occur too seldom to learn much from, and each takes memory.
_MOST_WORDS = 20_000
# Includes words of one character, such as a size, a digit or the letter of a model.
_WORD = r"(?u)\b\w+\b"
# Relative to the largest singular value. In directions below it, the texts do not differ.
_LEAST = 1e-6
# Pairs of Chinese characters are mostly words, and words of languages that inflect share triples.
_NGRAMS = {"word": (1, 1), "char": (1, 3), "char_wb": (1, 3)}
ANALYZERS = tuple(_NGRAMS)
# Warn of texts that are not cut into words from this share of all texts on.
_UNCUT_SHARE = 0.1


class TextChannel:
    """Turns a text channel into a few components, and flags missing texts.

    Latent semantic analysis (Deerwester et al., 1990): the words of a text, weighted by TF-IDF,
    are projected on the first singular vectors of the distinct texts seen at fit.
    """

    analyzer, ngram_range = "word", (1, 1)  # of a channel in a file that has none

    def __init__(self, name, values, options, place):
        self.name = name
        self.analyzer, self.ngram_range = read_analysis(options)
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
        reader = self._make_reader(max_features=_MOST_WORDS)
        analyze = reader.build_analyzer()
        if any(analyze(text) for text in texts):
            weights = reader.fit_transform(texts)
            self._warn_of_uncut(texts)
            _, strengths, components = randomized_svd(
                weights,
                min(options["text_size"], *weights.shape),
                random_state=options["random_state"],
            )
            components = components[strengths > _LEAST * strengths[0]]
            # Without the settings of learning, so that it equals one from a file.
            self.reader = self._known_reader(reader.get_feature_names_out(), reader.idf_)
        else:
            self.reader, components = None, np.zeros((0, 0))
            if len(texts):
                warn(
                    f"None of the {len(texts):,} distinct texts of {self.name!r} has a word (or "
                    "n-gram), so the column gives no channel. Leave it out of "
                    f"text={self._or_characters()}."
                )
        self.components = np.ascontiguousarray(components, np.float32)
        self.scale = VectorScale(self._vectors(texts))

    def _or_characters(self):
        if self.analyzer != "word":
            return ""
        call = f"SequenceEncoder(text=[{self.name!r}], text_analyzer='char')"
        return f", or read character n-grams: {call}"

    def _make_reader(self, **options):
        if callable(self.analyzer):
            return TfidfVectorizer(analyzer=_Checked(self.analyzer, self.name), **options)
        # scikit-learn warns of a pattern that has no effect.
        pattern = _WORD if self.analyzer == "word" else None
        return TfidfVectorizer(
            analyzer=self.analyzer,
            ngram_range=self.ngram_range,
            token_pattern=pattern,
            **options,
        )

    def _known_reader(self, words, idf):
        """A fitted TfidfVectorizer, made from arrays only."""
        reader = self._make_reader(vocabulary=words.tolist())
        reader.idf_ = idf
        return reader

    def _warn_of_uncut(self, texts):
        """Warn of texts that are one word each, because their script has no spaces."""
        n_unspaced, uncut = count_uncut(texts) if self.analyzer == "word" else (0, [])
        if n_unspaced >= _UNCUT_SHARE * len(texts) and len(uncut) > n_unspaced / 2:
            warn(
                f"{n_unspaced:,} of the {len(texts):,} distinct texts of {self.name!r} are in a "
                f"script without spaces between words, and {len(uncut):,} of them share no word "
                f"with another text, such as {uncut[0]!r}: new texts will be zeros. Read "
                f"character n-grams, SequenceEncoder(text=[{self.name!r}], text_analyzer='char'), "
                "or pass a function that cuts a text into words as text_analyzer."
            )

    def _vectors(self, texts):
        """Components of shape (n_texts, n_components)."""
        if self.reader is None or not len(texts):
            return np.zeros((len(texts), len(self.components)))
        return self.reader.transform(texts) @ self.components.T.astype(np.float64)

    def learned(self):
        """Everything that determines the components."""
        words = [] if self.reader is None else self.reader.get_feature_names_out()
        idf = [] if self.reader is None else [self.reader.idf_]
        hashes = _frames.hash_values(_frames.make_array(list(words)))
        # Only where it is not the default, so that encoders of earlier versions keep their hash.
        analysis = []
        if (self.analyzer, self.ngram_range) != ("word", (1, 1)):
            analysis = [_name_of(self.analyzer), str(self.ngram_range)]
        return [hashes, *idf, self.components, self.scale.length, *analysis]

    def transform(self, values, place):
        """Scaled components by output name; a missing text becomes zeros and is flagged."""
        codes, texts = self._read(place.cut(values))
        vectors = self._vectors(texts)
        if len(self.components) and not vectors.any() and any(text.strip() for text in texts):
            warn(
                f"All texts of {self.name!r} become zeros, because none of their words (or "
                f"n-grams) was seen at fit. Fit on texts like these{self._or_characters()}."
            )
        scaled = self.scale(vectors)
        scaled = np.pad(scaled, [(0, 0), (0, 1)])  # zeros at the end, where code -1 points
        result = {f"{self.name}_{i}": row[codes] for i, row in enumerate(scaled)}
        missing = codes < 0
        if self.flagged:
            result[f"{self.name}_missing"] = missing.astype(np.float32)
        elif missing.any():
            place.warn_of_missing(self.name, missing, taken_as="texts without a known word")
        return result

    def __getstate__(self):
        # Only the words and their weights; `_known_reader` makes the TfidfVectorizer from them.
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
        self.reader = self._known_reader(_frames.unpack_array(words), idf) if known else None


class _Checked:
    """A function that cuts a text into words, and an error if its result is no list of words."""

    def __init__(self, function, name):
        self.function, self.name = function, name

    def __call__(self, text):
        words = self.function(text)
        listed = isinstance(words, str) or not hasattr(words, "__iter__")
        words = [words] if listed else list(words)
        odd = words if listed else [word for word in words if not isinstance(word, str)]
        if odd:
            raise SequenceFrameError(
                f"text_analyzer={_name_of(self.function)} must return a list of strings; for the "
                f"text {text!r} of {self.name!r} it returned "
                f"{'' if listed else 'a list with '}{odd[0]!r}."
            )
        return words


def _name_of(analyzer):
    """Name of an analyzer that is the same in every process."""
    if isinstance(analyzer, str):
        return analyzer
    named = analyzer if hasattr(analyzer, "__qualname__") else type(analyzer)
    home = getattr(named, "__module__", None)  # a method of a built-in type has none
    return named.__qualname__ if home is None else f"{home}.{named.__qualname__}"


def read_analysis(options):
    """The analyzer of texts, and the range of its n-grams."""
    analyzer, given = options["text_analyzer"], options["text_ngram_range"]
    if callable(analyzer):
        if given is not None:
            raise ValueError(
                f"text_ngram_range={given!r} has no effect with a function as text_analyzer, "
                "whose words are taken as they are. Leave it at None."
            )
        return analyzer, (1, 1)
    if given is None:
        return analyzer, _NGRAMS[analyzer]
    try:
        least, most = given
        right = 1 <= least <= most and isinstance(least, Integral) and isinstance(most, Integral)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise ValueError(
            "text_ngram_range must be two integers, the shortest n-gram and the longest, such as "
            f"(1, 3); got {given!r}."
        )
    return analyzer, (int(least), int(most))
