"""
Spend, with a band around it
============================

What will each customer spend in the next four weeks, and how sure is that? One network gives the
lower end, the median and the upper end of the spend at once, by the pinball loss of three
quantiles. Whether a band is worth its name is counted on customers that it has not seen, and
gradient boosting over a table of features stands beside it.
"""

# %%
# Histories and what was spent afterwards
# ---------------------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorRegressor, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=3000, horizon="28D", random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
samples = log.samples(at=shop.at)
X = log.histories(samples, max_events=50)
spend = log.label_sum(samples, "price", behavior="buy", horizon="28D")
train, test = train_test_split(np.arange(len(X)), test_size=0.4, random_state=0)
print(f"{spend.mean():.2f} on average; {(spend == 0).mean():.0%} spend nothing")

# %%
# Three ways to a band
# --------------------
# The least that a model must do is to beat the quantiles of all customers, the same for everyone.
# Boosting needs a model for each quantile, the network an output.
levels = [0.1, 0.5, 0.9]
network = LSTMBehaviorRegressor(
    loss="quantile", quantile=levels, learning_rate=0.01, random_state=0
)
lstm = make_pipeline(SequenceEncoder(numeric=["price"]), network).fit(X.iloc[train], spend[train])
features = SequenceVectorizer().fit(X.iloc[train])
boosted = [
    HistGradientBoostingRegressor(loss="quantile", quantile=q, max_iter=50, random_state=0)
    .fit(features.transform(X.iloc[train]), spend[train])
    .predict(features.transform(X.iloc[test]))
    for q in levels
]
bands = {
    "the same for all": np.tile(np.quantile(spend[train], levels), (len(test), 1)),
    "features, gradient boosting": np.column_stack(boosted),
    "LSTM": lstm.predict(X.iloc[test]),
}

# %%
# The pinball loss, of which less is better; the share of customers above the upper end, which
# should be a tenth; and how often the ends cross, which those of separate models may. The lower
# end is about zero for most, as a spend of zero is so common.
rows = {}
for name, band in bands.items():
    losses = [
        mean_pinball_loss(spend[test], band[:, i], alpha=level) for i, level in enumerate(levels)
    ]
    above, crossing = spend[test] > band[:, 2], (np.diff(band) < 0).any(axis=1)
    rows[name] = [np.mean(losses), above.mean(), crossing.mean()]
pd.DataFrame(rows, index=["pinball loss", "above the band", "crossing"]).T.round(3)

# %%
# The bands of a hundred customers
# --------------------------------
# In order of their medians; a dot is what was spent in truth.
band = np.maximum(bands["LSTM"], 0)
shown = np.random.default_rng(0).choice(len(test), 100, replace=False)
shown = shown[np.argsort(band[shown, 1])]
figure, axes = plt.subplots(figsize=(7, 4))
place = np.arange(len(shown))
axes.fill_between(place, band[shown, 0], band[shown, 2], alpha=0.25, label="band")
axes.plot(place, band[shown, 1], label="median")
axes.plot(place, spend[test][shown], ".", color="tab:orange", label="spent")
axes.set(xlabel="customers, by predicted median", ylabel="spend in 28 days")
axes.legend(loc="upper left")
plt.tight_layout()

# %%
# Do the levels hold for the small spenders and for the large?
# ------------------------------------------------------------
# Customers in fifths by their predicted median: in each, a tenth should spend more than the upper
# end.
fifth = pd.qcut(pd.Series(band[:, 1]).rank(method="first"), 5, labels=False)
above = pd.Series(spend[test] > band[:, 2]).groupby(fifth).mean()
figure, axes = plt.subplots(figsize=(7, 2.5))
axes.bar(above.index + 1, above)
axes.axhline(0.1, color="tab:orange", label="as promised")
axes.set(xlabel="fifth of the customers, by predicted median", ylabel="above the band")
axes.legend()
plt.tight_layout()
