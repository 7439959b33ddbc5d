"""Event logs to learn on and to test with."""

from skbseq.datasets._shop import make_shop_log

__all__ = ["make_shop_log"]
