"""
Predict spend with quantiles
============================

What will each customer spend in the next four weeks, and how certain is that? One
:class:`~skbseq.LSTMBehaviorRegressor` predicts three quantiles of the spend at once: the lower
end, the median and the upper end of an interval. The example checks the interval on held-out
customers and compares it with gradient boosting. The user guide describes all losses:
:doc:`/user_guide/regression`.
"""

# %%
# Histories and later spend
# -------------------------
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
# Three ways to predict an interval
# ---------------------------------
# The first takes the quantiles of all customers, the same for everyone; a model must beat it.
# Gradient boosting needs one model per quantile, the network one output per quantile.
levels = [0.1, 0.5, 0.9]
network = LSTMBehaviorRegressor(
    loss="quantile", quantile=levels, learning_rate=0.01, random_state=0
)
lstm = make_pipeline(SequenceEncoder(numeric=["price"]), network).fit(X.iloc[train], spend[train])
features = SequenceVectorizer().fit(X.iloc[train])
X_train, X_test = features.transform(X.iloc[train]), features.transform(X.iloc[test])
boosted = [
    HistGradientBoostingRegressor(loss="quantile", quantile=level, max_iter=50, random_state=0)
    .fit(X_train, spend[train])
    .predict(X_test)
    for level in levels
]
intervals = {
    "the same for all": np.tile(np.quantile(spend[train], levels), (len(test), 1)),
    "gradient boosting": np.column_stack(boosted),
    "LSTM": lstm.predict(X.iloc[test]),
}

# %%
# Three numbers for each: the pinball loss (lower is better), the share of customers who spend more
# than the upper end (it should be 0.1), and how often the quantiles cross. Quantiles of separate
# models may cross. The lower end is about zero for most customers, because a spend of zero is so
# common.
rows = {}
for name, interval in intervals.items():
    losses = [
        mean_pinball_loss(spend[test], interval[:, i], alpha=level)
        for i, level in enumerate(levels)
    ]
    above, crossing = spend[test] > interval[:, 2], (np.diff(interval) < 0).any(axis=1)
    rows[name] = [np.mean(losses), above.mean(), crossing.mean()]
pd.DataFrame(rows, index=["pinball loss", "above the interval", "crossing"]).T.round(3)

# %%
# Intervals of a hundred customers
# --------------------------------
# The customers are sorted by predicted median; each dot is what a customer spent.
interval = np.maximum(intervals["LSTM"], 0)
shown = np.random.default_rng(0).choice(len(test), 100, replace=False)
shown = shown[np.argsort(interval[shown, 1])]
figure, axes = plt.subplots(figsize=(7, 4))
place = np.arange(len(shown))
axes.fill_between(place, interval[shown, 0], interval[shown, 2], alpha=0.25, label="interval")
axes.plot(place, interval[shown, 1], label="median")
axes.plot(place, spend[test][shown], ".", color="tab:orange", label="spent")
axes.set(xlabel="customers, by predicted median", ylabel="spend in 28 days")
axes.set_title("Predicted intervals and true spend")
axes.legend(loc="upper left")
plt.tight_layout()

# %%
# Coverage for small and large spenders
# -------------------------------------
# The customers are split into fifths by predicted median. In each fifth, a tenth should spend more
# than the upper end.
fifth = pd.qcut(pd.Series(interval[:, 1]).rank(method="first"), 5, labels=False)
above = pd.Series(spend[test] > interval[:, 2]).groupby(fifth).mean()
figure, axes = plt.subplots(figsize=(7, 2.8))
axes.bar(above.index + 1, above)
axes.axhline(0.1, color="tab:orange", label="expected")
axes.set(xlabel="fifth of the customers, by predicted median", ylabel="share above")
axes.set_title("Customers who spend more than the upper end")
axes.legend()
plt.tight_layout()
