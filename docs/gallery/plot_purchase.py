"""
Predict who buys next week
==========================

A model learns from past weeks and predicts the next one: does a customer buy within seven days of
the last cutoff? The example compares the network with two rules that a shop would try first, and
with gradient boosting on a table of features. The user guide describes the classifier:
:doc:`/user_guide/classifying`.
"""

# %%
# Samples of past weeks, and the week to predict
# ----------------------------------------------
# The label of a training sample must be known at the last cutoff. So training ends one horizon
# before it.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.pipeline import make_pipeline

import skbseq
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
print(f"bought within a week: {y_past.mean():.1%}; in the week to predict: {y.mean():.1%}")

# %%
# Rules without training
# ----------------------
# The first rule ranks customers by the time since their last event. The second picks those whose
# last event put something into the cart.
recency = pd.Series([times.max() for times in map(np.array, X["timestamp"])])
was_here = -(last - recency).dt.total_seconds()
in_cart = X["behavior_type"].map(lambda events: list(events)[-1] == "cart")

# %%
# Trained models
# --------------
models = {
    "gradient boosting": make_pipeline(
        SequenceVectorizer(),
        HistGradientBoostingClassifier(max_iter=50, random_state=0),
    ),
    "LSTM": make_pipeline(
        SequenceEncoder(categorical=["behavior_type"], numeric=["price"]),
        LSTMBehaviorClassifier(learning_rate=0.01, epochs=8, random_state=0),
    ),
}
scores = {"most recent visit": was_here, "cart was last": in_cart.astype(float)}
for name, model in models.items():
    scores[name] = model.fit(X_past, y_past).predict_proba(X)[:, 1]
scores["true probability"] = shop.probability
auc = pd.Series({name: roc_auc_score(y, score) for name, score in scores.items()}, name="AUC")
auc.round(3)

# %%
# The true probability is known only because the shop is generated. No model can do better than it.
figure, axes = plt.subplots(figsize=(5, 5))
for name, score in scores.items():
    RocCurveDisplay.from_predictions(y, score, name=name, ax=axes)
axes.plot([0, 1], [0, 1], ":", color="gray")
axes.set_title("ROC curves for the week to predict")
axes.legend(fontsize="small", loc="lower right")
plt.tight_layout()

# %%
# Use the ranking
# ---------------
# Suppose that there are vouchers for a fifth of the customers. What share of the buyers gets one?
n = len(y) // 5
reached = {
    name: y[np.argsort(-np.asarray(score), kind="stable")[:n]].sum() / y.sum()
    for name, score in scores.items()
}
figure, axes = plt.subplots(figsize=(7, 2.8))
axes.barh(list(reached), list(reached.values()))
axes.axvline(0.2, color="tab:orange", label="by chance")
axes.set(xlabel="share of the buyers", title="Buyers among the first fifth of the customers")
axes.legend(loc="upper right")
axes.invert_yaxis()
plt.tight_layout()

# %%
# Save the model
# --------------
# :func:`~skbseq.save` writes one file that holds data and no code. :func:`~skbseq.load` reads it
# in another process; a damaged file raises :class:`~skbseq.exceptions.ModelFileError`. See
# :doc:`/user_guide/saving_and_serving`.
path = Path(tempfile.mkdtemp()) / "buyers.skbseq"
skbseq.save(models["LSTM"], path)
again = skbseq.load(path).predict_proba(X)[:, 1]
assert np.array_equal(again, scores["LSTM"])
print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")
