"""Transformers that prepare sequence frames for networks and other models."""

from skbseq.preprocessing._sequence_encoder import SequenceEncoder
from skbseq.preprocessing._sequence_imputer import SequenceImputer
from skbseq.preprocessing._sequence_vectorizer import SequenceVectorizer

__all__ = ["SequenceEncoder", "SequenceImputer", "SequenceVectorizer"]
