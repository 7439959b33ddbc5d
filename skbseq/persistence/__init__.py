"""Save fitted models to files that hold data and no code, and load them.

A model file is a zip archive written by skops: numbers as NumPy arrays, the rest as JSON. Loading
one creates objects of known types only and runs no code from the file, and a file with other types
is refused. The numbers in it are not checked: a forged file may predict anything, or crash the
process, because scikit-learn does not check the nodes of trees.
"""

from skbseq._files import check_writable, replacing  # noqa: F401 (for the command line)
from skbseq.persistence._load import load, read_metadata
from skbseq.persistence._save import save

__all__ = ["load", "read_metadata", "save"]
