"""Read logs from tables and from files of any known format."""

from skbseq._frames._read._options import ReadOptions
from skbseq._frames._read._source import read_table

__all__ = ["ReadOptions", "read_table"]
