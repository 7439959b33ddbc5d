"""
Cleaning with an account
========================

A raw log of a shop is spoilt on purpose, as real ones are: rows without a customer, events stored
twice, a crawler, double clicks and dates in the future. Then it is cleaned, and the account says
where every row went.
"""

# %%
# A shop's log, and what happens to logs
# --------------------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skbseq import EventLog
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=500, random_state=0)
events = shop.events
rng = np.random.default_rng(0)

lost = events.sample(200, random_state=1).assign(user_id=None)
stored_twice = events.sample(300, random_state=2)
views = events[events["behavior_type"] == "view"]
clicked_twice = views.sample(250, random_state=3)
clicked_twice["timestamp"] += pd.Timedelta("400ms")
crawler = views.sample(2000, random_state=4, replace=True).assign(user_id="crawler")
crawler["timestamp"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(2000), unit="s")
from_the_future = events.sample(20, random_state=5)
from_the_future["timestamp"] += pd.Timedelta("3650D")
raw = pd.concat([events, lost, stored_twice, clicked_twice, crawler, from_the_future])
raw = raw.sample(frac=1, random_state=6)

# %%
# One call, one account
# ---------------------
# Each step works on what the one before it left, and a row counts under its first reason only.
log = EventLog(raw, **shop.roles)
clean = log.clean(
    duplicates=["behavior_type", "product_id"],
    tolerance="1s",
    latest=events["timestamp"].max(),
    max_rate="600/h",
)
print(clean.report)

# %%
# Rows in are always rows out plus rows dropped.
assert len(raw) == len(clean) + sum(clean.report.dropped.values())

# %%
# The first rows of each reason are kept, so that a rule can be checked before it is believed.
clean.report.examples["user_id above 600/h"]

# %%
# Where the rows went
# -------------------
account = clean.report.to_frame().set_index("reason")["rows"]
axes = account.plot.barh(figsize=(7, 2.5), color="tab:blue")
axes.invert_yaxis()
axes.set(xlabel="rows dropped", ylabel="")
plt.tight_layout()

# %%
# What is left is the log of before
# ---------------------------------
# But for those few true events that happened to repeat within a second.
print(f"{len(events):,} events before, {len(clean):,} after")
clean
