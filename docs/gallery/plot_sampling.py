"""
Sampling and labelling without leakage
======================================

Cutoffs at regular intervals turn one log into many samples. Each history ends at its cutoff, and
each label begins after it, so that nothing of the future gets into a feature. This example checks
that: it changes all events after a cutoff, and the histories stay the same. The user guide has the
details: :doc:`/user_guide/sampling`.
"""

# %%
# Samples at several cutoffs
# --------------------------
# The horizon must fit between the last cutoff and the end of the log. A label that cannot be known
# yet is a :class:`~skbseq.exceptions.CensoredLabelError`, not a "no".
import matplotlib.pyplot as plt
import pandas as pd

from skbseq import EventLog
from skbseq.datasets import make_shop_log
from skbseq.exceptions import CensoredLabelError

shop = make_shop_log(n_users=1000, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
log

# %%
end = shop.events["timestamp"].max() - pd.Timedelta("7D")
samples = log.samples(every="14D", end=end, min_events=5)
samples["cutoff"].value_counts().sort_index()

# %%
try:
    log.label_behavior(log.samples(at=end + pd.Timedelta("1D")), behavior="buy", horizon="7D")
except CensoredLabelError as error:
    print(error)

# %%
# Four kinds of labels
# --------------------
# Will the customers buy, stay away, what will they do next, and how much will they spend?
y = pd.DataFrame(
    {
        "buys": log.label_behavior(samples, behavior="buy", horizon="7D"),
        "stays away": log.label_churn(samples, horizon="7D"),
        "next": log.label_next(samples, horizon="7D", none="nothing"),
        "spends": log.label_sum(samples, "price", behavior="buy", horizon="7D"),
    }
)
y.head()

# %%
rates = y[["buys", "stays away"]].astype(float).groupby(samples["cutoff"]).mean()
axes = rates.plot(marker="o", figsize=(7, 3))
axes.set(ylabel="share of the samples", ylim=(0, 1), title="Labels at each cutoff")
plt.tight_layout()

# %%
# Check for leakage
# -----------------
# Change every event after a cutoff. The histories up to the cutoff do not change.
cutoff = samples["cutoff"].iloc[len(samples) // 2]
at_cutoff = log.samples(at=cutoff)
after = shop.events["timestamp"] > cutoff
changed = shop.events.assign(
    behavior_type=shop.events["behavior_type"].where(~after, "view"),
    price=shop.events["price"].where(~after, 0.0),
)
other_future = EventLog(changed, **shop.roles).clean()
assert log.histories(at_cutoff).equals(other_future.histories(at_cutoff))

# %%
# Frames that were made elsewhere are checked too: an event after its cutoff raises
# :class:`~skbseq.exceptions.SequenceFrameError`. See :doc:`/pitfalls`.
