"""State of estimators."""

import inspect
from contextlib import contextmanager

__all__ = ["FillsParameters", "all_or_nothing"]


class FillsParameters:
    """A base of estimators that reads the state of earlier versions.

    A parameter that came after a file or pickle was written gets its default. Stands before
    scikit-learn's bases.
    """

    def __setstate__(self, state):
        parameters = inspect.signature(type(self).__init__).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        super().__setstate__(defaults | state)


@contextmanager
def all_or_nothing(estimator):
    """A fit that fails, or is interrupted, leaves the estimator as it was."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
