"""Transformers that turn sequence frames into what networks and other models take."""

from skbseq.preprocessing._sequence_encoder import SequenceEncoder
from skbseq.preprocessing._sequence_imputer import SequenceImputer
from skbseq.preprocessing._sequence_vectorizer import SequenceVectorizer

__all__ = ["SequenceEncoder", "SequenceImputer", "SequenceVectorizer"]
