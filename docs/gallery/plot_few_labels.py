"""
Few labels
==========

Labels cost money; histories lie in the log. Here an embedder learns from all histories to predict
their events, and a classifier with a hundred labels begins from what it learned.
"""

# %%
# The log, and a hundred labels
# -----------------------------
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
# Pretraining
# -----------
embedder = BehaviorEmbedder(units=32, epochs=10, random_state=0).fit(X)
pd.DataFrame(embedder.history_).round(3).tail(3)

# %%
# From scratch, from the vectors, and from the weights
# ----------------------------------------------------
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
pd.DataFrame(found).round(3)
