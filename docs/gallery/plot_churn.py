"""
A warning before they stay away
===============================

Who will not come back within four weeks? A letter may hold some of them, but letters cost money,
so the question is not who is *likely* to leave but for whom a letter is worth its price. That
threshold follows from the costs, once the probabilities can be trusted.
"""

# %%
# Customers who may stay away
# ---------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=3000, horizon="28D", random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
samples = log.samples(at=shop.at)
X = log.histories(samples, max_events=50)
away = log.label_churn(samples, horizon="28D")
X_train, X_test, y_train, y_test = train_test_split(
    X, away, test_size=0.5, stratify=away, random_state=0
)
print(f"{away.mean():.0%} of {len(X):,} customers stay away for 28 days")

# %%
# Two models
# ----------
flat = SequenceVectorizer(["recency", "frequency", "gaps"], fill_value=0.0)
models = {
    "features, logistic regression": make_pipeline(
        flat, StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    ),
    "LSTM": make_pipeline(
        SequenceEncoder(categorical=["behavior_type"], numeric=["price"]),
        LSTMBehaviorClassifier(learning_rate=0.01, random_state=0),
    ),
}
chance = {
    name: model.fit(X_train, y_train).predict_proba(X_test)[:, 1] for name, model in models.items()
}
pd.Series({name: roc_auc_score(y_test, p) for name, p in chance.items()}, name="AUC").round(3)

# %%
# Can they be believed?
# ---------------------
# A threshold by costs needs probabilities that are true, not only well ordered.
figure, axes = plt.subplots(figsize=(5, 4))
for name, p in chance.items():
    CalibrationDisplay.from_predictions(
        y_test, p, n_bins=8, strategy="quantile", name=name, ax=axes
    )
plt.tight_layout()

# %%
# What a letter is worth
# ----------------------
# A letter costs 1. Of those who would stay away it holds one in ten, who is worth 50; on the
# others it is lost. So it is worth its price where :math:`0.1 \cdot 50 \cdot p > 1`, from a
# probability of one fifth on.
COST, HOLDS, WORTH = 1.0, 0.1, 50.0
threshold = COST / (HOLDS * WORTH)


def gain(p, at):
    """Expected gain per customer of letters to everyone from a probability on."""
    return np.mean((p >= at) * (HOLDS * WORTH * y_test - COST))


at = np.linspace(0, 1, 101)
figure, axes = plt.subplots(figsize=(7, 3.5))
for name, p in chance.items():
    axes.plot(at, [gain(p, each) for each in at], label=name)
axes.axvline(threshold, color="gray", linestyle=":", label="threshold by costs")
axes.axhline(0, color="black", linewidth=0.5)
axes.set(xlabel="letters from this probability on", ylabel="gain per customer")
axes.legend()
plt.tight_layout()

# %%
# Far left everyone gets a letter, far right nobody.
gains = {name: gain(p, threshold) for name, p in chance.items()}
gains |= {"a letter to everyone": gain(np.ones(len(y_test)), 0.5), "no letters": 0.0}
pd.Series(gains, name="gain per customer").round(3)

# %%
# As a model that answers yes or no
# ---------------------------------
# The threshold belongs to the model, so that nobody forgets it.
decide = FixedThresholdClassifier(models["LSTM"], threshold=threshold).fit(X_train, y_train)
letters = decide.predict(X_test)
print(f"letters to {letters.mean():.0%}; {y_test[letters].mean():.0%} of them would stay away")
