"""Context: ordinary columns, known at the cutoff, as numbers."""

import numpy as np

from skbseq import _frames
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._channels import NumericChannel, Vocabulary
from skbseq.preprocessing._place import RowPlace


class ContextColumn:
    """An ordinary column: scaled if it is a number, else one column of 0 and 1 per category."""

    def __init__(self, name, column, options):
        self.name = name
        kind = _frames.kind_of(column.type)
        if kind in ("float", "integer"):
            self.number = NumericChannel(name, column, options, RowPlace())
            self.names = self.number.names
        elif kind in ("string", "boolean", "null"):
            self.number = None
            self.vocabulary = Vocabulary(
                column,
                min_frequency=options["min_frequency"],
                max_categories=options["max_categories"],
            )
            said = ["missing" if c is None else c for c in self.vocabulary.categories()]
            self.names = [f"{name}_unknown", *(f"{name}_{value}" for value in said)]
        else:
            raise SequenceFrameError(
                f"Context column {name!r} holds {kind} values. Give numbers, strings or booleans."
            )

    def transform(self, column, place):
        """Float columns by output name."""
        if self.number is not None:
            return self.number.transform(column, place)
        # Codes begin at 1, the unknown; so do the names.
        codes = self.vocabulary.codes(column)
        return {n: (codes == i + 1).astype(np.float32) for i, n in enumerate(self.names)}
