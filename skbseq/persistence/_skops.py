"""skops, imported without the large array libraries that scikit-learn supports."""

from skbseq._optional import without_array_libraries

with without_array_libraries():  # skops searches scikit-learn for estimators
    import skops.io

__all__ = ["skops"]
