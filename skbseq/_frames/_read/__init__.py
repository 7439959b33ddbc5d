"""Read logs from tables and from files of any known format."""

from skbseq._frames._read._options import DECIMALS, THOUSANDS, ReadOptions
from skbseq._frames._read._source import read_table

__all__ = ["DECIMALS", "THOUSANDS", "ReadOptions", "read_table"]
