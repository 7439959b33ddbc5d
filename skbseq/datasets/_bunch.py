"""The result of a data set's function: a Bunch that prints short."""

import numpy as np
from sklearn.utils import Bunch

from skbseq import _frames

_LONGEST_TEXT = 120


class LogBunch(Bunch):
    """A :class:`~sklearn.utils.Bunch` whose repr describes its tables instead of printing them."""

    def __repr__(self):
        width = max((len(str(key)) for key in self), default=0)
        lines = [f"  {key!s:<{width}}  {_describe(value)}" for key, value in self.items()]
        return "\n".join([f"Bunch with {len(self)} entries", *lines])


def _describe(value):
    """A value in one line."""
    if _frames.is_frame(value):
        names = ", ".join(_frames.column_names(value))
        library, rows = _frames.library_of(value), _frames.n_rows(value)
        text = f"{library} table of {rows:,} rows: {names}"
    elif isinstance(value, np.ndarray):
        text = f"{value.dtype} array of shape {value.shape}"
    else:
        text = str(value)
    first, _, rest = text.strip().partition("\n")
    return f"{first[:_LONGEST_TEXT]} ..." if rest or len(first) > _LONGEST_TEXT else first
