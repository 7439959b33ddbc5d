"""Transformers that turn sequence frames into what networks and other models take."""

from skbseq.preprocessing._sequence_encoder import SequenceEncoder

__all__ = ["SequenceEncoder"]
