"""Example event logs: a generated shop, and four real logs that are downloaded on request."""

from skbseq.datasets._cdnow import fetch_cdnow
from skbseq.datasets._eshop_clothing import fetch_eshop_clothing
from skbseq.datasets._msnbc import fetch_msnbc
from skbseq.datasets._online_retail import fetch_online_retail
from skbseq.datasets._shop import make_shop_log

__all__ = [
    "fetch_cdnow",
    "fetch_eshop_clothing",
    "fetch_msnbc",
    "fetch_online_retail",
    "make_shop_log",
]
