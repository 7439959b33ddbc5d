"""
Time-aware validation
=====================

Weekly cutoffs give many samples per customer, and the windows of their labels overlap. A shuffled
split puts nearly identical samples of a customer into both the training and the test set. The
model then recognises the customer, and the score is too high.
:class:`~skbseq.model_selection.CutoffSplit` trains on the past and tests on the future, with a gap
of one horizon between them. The user guide explains which split to use:
:doc:`/user_guide/validation`.
"""

# %%
# Samples every week, labels over four weeks
# ------------------------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, SequenceVectorizer
from skbseq.datasets import make_shop_log
from skbseq.model_selection import CutoffSplit, UserKFold

shop = make_shop_log(n_users=300, history="240D", random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
end = shop.events["timestamp"].max() - pd.Timedelta("28D")
samples = log.samples(every="7D", end=end, min_events=3)
X = log.histories(samples, max_events=50)
y = log.label_behavior(samples, behavior="buy", horizon="28D")
n_users, n_cutoffs = X["user_id"].nunique(), X["cutoff"].nunique()
print(f"{len(X):,} samples of {n_users} customers at {n_cutoffs} cutoffs")

# %%
# The last cutoff is held out as a stand-in for the future.
last = X["cutoff"] == X["cutoff"].max()
before = X["cutoff"] <= X["cutoff"].max() - pd.Timedelta("28D")
model = make_pipeline(SequenceVectorizer(), ExtraTreesClassifier(100, random_state=0))
model.fit(X[before], y[before])
future = roc_auc_score(y[last], model.predict_proba(X[last])[:, 1])

# %%
# Three ways to score the samples before
# --------------------------------------
splits = {
    "shuffled folds": StratifiedKFold(4, shuffle=True, random_state=0),
    "separate users": UserKFold(4, user="user_id", shuffle=True, random_state=0),
    "by time, with a gap": CutoffSplit(4, horizon="28D"),
}
X_before, y_before = X[before], y[before]
scores = {
    name: cross_val_score(model, X_before, y_before, cv=cv, scoring="roc_auc")
    for name, cv in splits.items()
}
for name, values in scores.items():
    print(f"{name:<20} {np.mean(values):.3f}")
print(f"{'the future':<20} {future:.3f}")

# %%
# The shuffled folds are far too optimistic. Each dot is a fold, each diamond the mean of a split.
figure, axes = plt.subplots(figsize=(7, 2.8))
for row, values in enumerate(scores.values()):
    axes.plot(values, np.full(len(values), row), "o", color="tab:blue", alpha=0.6)
    axes.plot(np.mean(values), row, "D", color="tab:blue")
axes.axvline(future, color="tab:orange", label="score in the future")
axes.set(yticks=range(len(scores)), yticklabels=list(scores), xlabel="ROC AUC")
axes.set_title("Scores by split, and in the future")
axes.margins(y=0.2)
axes.invert_yaxis()
axes.legend(loc="center right", fontsize="small")
plt.tight_layout()
