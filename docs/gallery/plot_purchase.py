"""
Who buys next week?
===================

A model learns from the weeks that are over and is judged by a week that is not: the customers'
histories up to the last cutoff, and what they bought after it. Beside it stand what a shop would
try first, simple rules that need no learning, and the same histories as a table of features.
"""

# %%
# Weeks to learn from, and the one to predict
# -------------------------------------------
# The label of a training sample must be over at the last cutoff, so there is a gap of one horizon.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=1200, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
last = pd.Timestamp(shop.at)
past = log.samples(every="14D", end=last - pd.Timedelta("7D"), min_events=3)
week = {"behavior": "buy", "horizon": "7D"}
X_past, y_past = log.histories(past, max_events=30), log.label_behavior(past, **week)
X, y = log.histories(shop.samples, max_events=30), log.label_behavior(shop.samples, **week)
print(f"{len(past):,} samples of {past['cutoff'].nunique()} weeks; then {len(X):,} customers")
print(f"bought within a week: {y_past.mean():.1%}; in the week to predict {y.mean():.1%}")

# %%
# Rules that need no learning
# ---------------------------
# Who was here last buys first; and who has put something into the cart.
recency = pd.Series([times.max() for times in map(np.array, X["timestamp"])])
was_here = -(last - recency).dt.total_seconds()
in_cart = X["behavior_type"].map(lambda events: list(events)[-1] == "cart")

# %%
# Models that learn
# -----------------
models = {
    "features, gradient boosting": make_pipeline(
        SequenceVectorizer(),
        HistGradientBoostingClassifier(max_iter=50, random_state=0),
    ),
    "LSTM": make_pipeline(
        SequenceEncoder(categorical=["behavior_type"], numeric=["price"]),
        LSTMBehaviorClassifier(learning_rate=0.01, epochs=8, random_state=0),
    ),
}
scores = {"was here last": was_here, "the cart was last": in_cart.astype(float)}
for name, model in models.items():
    scores[name] = model.fit(X_past, y_past).predict_proba(X)[:, 1]
scores["true probability"] = shop.probability
auc = pd.Series({name: roc_auc_score(y, score) for name, score in scores.items()}, name="AUC")
auc.round(3)

# %%
# The true probability is what nobody outside a generated shop has: more than that cannot be known
# of these customers.
figure, axes = plt.subplots(figsize=(5, 5))
for name, score in scores.items():
    RocCurveDisplay.from_predictions(y, score, name=name, ax=axes)
axes.plot([0, 1], [0, 1], ":", color="gray")
axes.legend(fontsize="small", loc="lower right")
plt.tight_layout()

# %%
# What it is good for
# -------------------
# With vouchers for a fifth of the customers, how many of the buyers are reached?
n = len(y) // 5
reached = {
    name: y[np.argsort(-np.asarray(score), kind="stable")[:n]].sum() / y.sum()
    for name, score in scores.items()
}
figure, axes = plt.subplots(figsize=(7, 2.5))
axes.barh(list(reached), list(reached.values()))
axes.axvline(0.2, color="tab:orange")
axes.set(xlabel="share of the buyers among the first fifth; a fifth by chance")
axes.invert_yaxis()
plt.tight_layout()
