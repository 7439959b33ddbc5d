"""
Pretraining when labels are few
===============================

Labels are expensive, but the log holds many histories. A
:class:`~skbseq.BehaviorEmbedder` first learns from all histories, without labels, by predicting
their events. A classifier with only a hundred labels then starts from what the embedder learned.
The user guide explains both: :doc:`/user_guide/embedding`.
"""

# %%
# The log
# -------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import BehaviorEmbedder, EventLog, LSTMBehaviorClassifier, SequenceEncoder
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=3000, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
samples = log.samples(at=shop.at)
X = log.histories(samples, max_events=40)
y = log.label_behavior(samples, behavior="buy", horizon="7D")

# %%
# Pretraining on all histories
# ----------------------------
embedder = BehaviorEmbedder(units=32, epochs=10, random_state=0).fit(X)
pd.DataFrame(embedder.history_).round(3).tail(3)

# %%
# Three ways to use a hundred labels
# ----------------------------------
# Train a network from scratch, train a linear model on the embedder's vectors, or train a network
# that starts from the embedder's weights. ``FrozenEstimator`` keeps the embedder as it is.
scratch = LSTMBehaviorClassifier(
    epochs=15, batch_size=16, validation_split=0, learning_rate=0.002, random_state=0
)
tuned = clone(scratch).set_params(init=FrozenEstimator(embedder), freeze="embeddings")
models = {
    "from scratch": make_pipeline(SequenceEncoder(), scratch),
    "vectors and a linear model": make_pipeline(
        FrozenEstimator(embedder), StandardScaler(), LogisticRegression(C=0.01)
    ),
    "from the weights": make_pipeline(FrozenEstimator(embedder.encoder_), tuned),
}
found = {name: [] for name in models}
draws = StratifiedShuffleSplit(3, train_size=100, random_state=0)
for train, test in draws.split(np.zeros(len(y)), y):
    for name, model in models.items():
        model.fit(X.iloc[train], y[train])
        probability = model.predict_proba(X.iloc[test])[:, 1]
        found[name].append(roc_auc_score(y[test], probability))
table = pd.DataFrame(found).round(3)
table

# %%
# Results
# -------
# Each dot is one draw of a hundred labels, each diamond the mean of three draws.
figure, axes = plt.subplots(figsize=(7, 2.5))
for row, name in enumerate(table):
    axes.plot(table[name], np.full(len(table), row), "o", color="tab:blue", alpha=0.6)
    axes.plot(table[name].mean(), row, "D", color="tab:blue")
axes.set(yticks=range(len(models)), yticklabels=list(models), xlabel="ROC AUC")
axes.set_title("Three models from a hundred labels")
axes.margins(y=0.2)
axes.invert_yaxis()
plt.tight_layout()
