"""
Clean a log and account for every row
=====================================

Real logs contain rows without a customer, events that were stored twice, crawlers, double clicks
and dates in the future. This example adds such faults to a generated log and removes them with
:meth:`EventLog.clean <skbseq.EventLog.clean>`. Its report says why each row was dropped. The user
guide describes every step: :doc:`/user_guide/cleaning`.
"""

# %%
# A log with faults
# -----------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skbseq import EventLog
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=500, random_state=0)
events = shop.events
rng = np.random.default_rng(0)

no_user = events.sample(200, random_state=1).assign(user_id=None)
stored_twice = events.sample(300, random_state=2)
views = events[events["behavior_type"] == "view"]
clicked_twice = views.sample(250, random_state=3)
clicked_twice["timestamp"] += pd.Timedelta("400ms")
crawler = views.sample(2000, random_state=4, replace=True).assign(user_id="crawler")
crawler["timestamp"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(2000), unit="s")
from_the_future = events.sample(20, random_state=5)
from_the_future["timestamp"] += pd.Timedelta("3650D")
raw = pd.concat([events, no_user, stored_twice, clicked_twice, crawler, from_the_future])
raw = raw.sample(frac=1, random_state=6)

# %%
# Clean it
# --------
# Each step works on the rows that the step before it kept, so a row counts under its first reason
# only.
log = EventLog(raw, **shop.roles)
clean = log.clean(
    duplicates=["behavior_type", "product_id"],
    tolerance="1s",
    latest=events["timestamp"].max(),
    max_rate="600/h",
)
print(clean.report)

# %%
# The number of rows in the log equals the rows kept plus the rows dropped.
assert len(raw) == len(clean) + sum(clean.report.dropped.values())

# %%
# The :class:`report <skbseq.events.CleaningReport>` keeps the first rows of each reason, so that
# you can check a rule before you rely on it.
clean.report.examples["user_id above 600/h"]

# %%
# Reasons for dropped rows
# ------------------------
account = clean.report.to_frame().set_index("reason")["rows"]
axes = account.plot.barh(figsize=(7, 2.8), color="tab:blue")
axes.invert_yaxis()
axes.bar_label(axes.containers[0], padding=3)
axes.margins(x=0.12)
axes.set(xlabel="rows dropped", ylabel="", title="Rows dropped by reason")
plt.tight_layout()

# %%
# Compare with the log before
# ---------------------------
# The clean log differs from the original only by a few true events that were repeated within a
# second.
print(f"{len(events):,} events before, {len(clean):,} after")
clean

# %%
# A log that cannot be read at all, because a column has no valid time for instance, raises
# :class:`~skbseq.exceptions.InvalidLogError` with the column and the first faulty row.
