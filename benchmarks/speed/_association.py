"""What goes together: frequent sets of invoices, and ordered patterns of sessions.

The sets of up to three articles of Online Retail: invoices of known customers, lines with a
positive quantity, codes that begin with five digits (no postage, no corrections). All find the
same ones, 4,027 at a support of 0.5%. mlxtend gets the table of booleans that it needs ready made.
Its Apriori has ``low_memory=True``; without it the pairs alone would be an array of 14 GB. The
patterns are those of the 217 products of the clothes shop, and of its 14 colours, of which far
more patterns are frequent.
"""

from functools import partial
from pathlib import Path

from benchmarks.speed._runs import Check, Question


def _invoices(size):
    import pandas as pd

    lines = pd.read_parquet(Path(size["data"]) / "online_retail.parquet")
    lines = lines[lines["quantity"] > 0].dropna(subset="customer_id")
    return lines[lines["stock_code"].str.match(r"\d{5}")]


def _skbseq_sets(size):
    from skbseq import EventLog
    from skbseq.association import frequent_itemsets

    roles = {"user": "invoice", "time": "invoice_time", "product": "stock_code"}
    log = EventLog(_invoices(size), **roles).clean(duplicates=None)

    def run():
        found = frequent_itemsets(log, min_support=size["support"], max_size=3)
        _check_number(found, size)

    run()
    return run


def _mlxtend_sets(size, name):
    from mlxtend import frequent_patterns
    from mlxtend.preprocessing import TransactionEncoder

    baskets = _invoices(size).groupby("invoice")["stock_code"].unique()
    encoder = TransactionEncoder()
    table = encoder.fit_transform(baskets.tolist())
    table = _frame(table, encoder.columns_)
    options = {"low_memory": True} if name == "apriori" else {}

    def run():
        find = getattr(frequent_patterns, name)
        found = find(table, min_support=size["support"], max_len=3, **options)
        _check_number(found, size)

    return run


def _frame(table, names):
    import pandas as pd

    return pd.DataFrame(table, columns=names)


def _check_number(found, size):
    if len(found) != size["n_sets"]:
        raise RuntimeError(f"{len(found)} sets, not {size['n_sets']}")


def _skbseq_patterns(size, item):
    import pandas as pd

    from skbseq import EventLog
    from skbseq.association import sequential_patterns

    clicks = pd.read_parquet(Path(size["data"]) / "eshop_clothing_2008.parquet")
    clicks["time"] = pd.to_datetime(clicks["date"]) + pd.to_timedelta(clicks["click"], unit="s")
    log = EventLog(clicks, user="session_id", time="time", product="model").clean()

    def run():
        sequential_patterns(log, item=item, min_support=size["pattern_support"])

    run()
    return run


_SETS, _PATTERNS = "skbseq, sets", "skbseq, patterns of products"
_PEERS = {
    f"mlxtend, {name}": partial(_mlxtend_sets, name=name) for name in ("fpgrowth", "apriori")
}

QUESTIONS = {
    "association": Question(
        title="Sets of up to 3 articles in 0.5% of the invoices; patterns in 3% of the sessions",
        cases={
            _SETS: _skbseq_sets,
            **_PEERS,
            _PATTERNS: partial(_skbseq_patterns, item="product"),
            "skbseq, patterns of colours": partial(_skbseq_patterns, item="colour"),
        },
        checks=[
            Check("seconds of the sets", (_SETS,), lambda f: f[_SETS], 3, 1, False),
            Check("seconds of the patterns", (_PATTERNS,), lambda f: f[_PATTERNS], 5, 1, False),
            *(
                Check(
                    f"times as fast as {peer}",
                    (_SETS, peer),
                    lambda f, peer=peer: f[peer] / f[_SETS],
                )
                for peer in _PEERS
            ),
        ],
        full={"support": 0.005, "n_sets": 4_027, "pattern_support": 0.03},
        quick={"support": 0.03, "n_sets": 96, "pattern_support": 0.1},
        rounds=3,
    )
}
