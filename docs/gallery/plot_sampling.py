"""
Sampling and labelling without leakage
======================================

Monthly cutoffs turn one log into many samples. Each history ends at its cutoff and each label
begins after it, so that nothing of the future gets into a feature. To see that it is so, the
future is changed, and the features stay what they were.
"""

# %%
# Samples at several cutoffs
# --------------------------
# The horizon must fit between the last cutoff and the end of the log: a label that cannot be known
# yet is an error, not a "no".
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
# Labels of several kinds
# -----------------------
# Will they buy, will they stay away, what will they do next, and how much will they spend?
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
axes.set(ylabel="share of the samples", ylim=(0, 1))
plt.tight_layout()

# %%
# The future has no say
# ---------------------
# Let everything after a cutoff have gone otherwise. The histories are the same to the last value.
cutoff = samples["cutoff"].iloc[len(samples) // 2]
at_cutoff = log.samples(at=cutoff)
after = shop.events["timestamp"] > cutoff
changed = shop.events.assign(
    behavior_type=shop.events["behavior_type"].where(~after, "view"),
    price=shop.events["price"].where(~after, 0.0),
)
other_future = EventLog(changed, **shop.roles).clean()
assert log.histories(at_cutoff).equals(other_future.histories(at_cutoff))
