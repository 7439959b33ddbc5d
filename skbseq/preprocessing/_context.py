"""Context: ordinary columns, known at the cutoff, encoded as numbers."""

import numpy as np

from skbseq import _frames
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._channels import CategoricalChannel, NumericChannel
from skbseq.preprocessing._place import RowPlace


class ContextColumn:
    """Encodes an ordinary column: numbers are scaled, other values become one-hot columns."""

    def __init__(self, name, column, options):
        self.name = name
        kind = _frames.kind_of(column.type)
        self.coded = kind in ("string", "boolean", "null")
        if not self.coded and kind not in ("float", "integer"):
            raise SequenceFrameError(
                f"Context column {name!r} holds {kind} values. Give numbers, strings or booleans."
            )
        read = CategoricalChannel if self.coded else NumericChannel
        # Each bucket would become a column of its own.
        self.values = read(name, column, options | {"hash_buckets": None}, RowPlace())
        self.names = self._code_names() if self.coded else self.values.names

    def _code_names(self):
        """One name per code, beginning with code 1, unknown."""
        categories = self.values.vocabulary.categories()
        taken = {f"{self.name}_{c}" for c in categories if c is not None}

        def free(name):  # a category may itself be called "unknown" or "missing"
            return free(f"{name}_") if name in taken else name

        missing = free(f"{self.name}_missing")
        named = (missing if c is None else f"{self.name}_{c}" for c in categories)
        return [free(f"{self.name}_unknown"), *named]

    def transform(self, column, place):
        """Float columns by output name."""
        values = self.values.transform(column, place)
        if not self.coded:
            return values
        codes = values[self.name]
        return {n: (codes == i + 1).astype(np.float32) for i, n in enumerate(self.names)}
