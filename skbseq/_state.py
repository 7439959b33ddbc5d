"""State of estimators: reading that of earlier versions, and undoing a failed fit."""

import inspect
from contextlib import contextmanager

from skbseq._checks import LinksToDocs

__all__ = ["FillsParameters", "all_or_nothing"]


class FillsParameters(LinksToDocs):
    """A base class of all estimators that reads the state of earlier versions.

    A parameter that was added after a file or pickle was written gets its default. List this
    class before scikit-learn's base classes.
    """

    def __setstate__(self, state):
        parameters = inspect.signature(type(self).__init__).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        super().__setstate__(defaults | state)


@contextmanager
def all_or_nothing(estimator):
    """Context for a fit: if it fails or is interrupted, the estimator gets its old state back."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:  # also Ctrl-C
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
