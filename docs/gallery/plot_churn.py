"""
Choose a decision threshold by cost
===================================

Some customers will buy nothing in the next four weeks (churn). Who should get an offer to prevent
that? An offer costs money, so the question is not who will *probably* stay away, but for whom an
offer is worth its price. If the probabilities are calibrated, the threshold follows from the costs
alone. The user guide explains calibration and thresholds: :doc:`/user_guide/probabilities`.
"""

# %%
# Customers who may stay away
# ---------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=4000, horizon="28D", random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
X = log.histories(shop.samples, max_events=50)
away = ~log.label_behavior(shop.samples, behavior="buy", horizon="28D")
X_train, X_test, y_train, y_test = train_test_split(
    X, away, test_size=0.4, stratify=away, random_state=0
)
print(f"{away.mean():.0%} of {len(X):,} customers buy nothing for 28 days")

# %%
# Two calibrated models
# ---------------------
# ``CalibratedClassifierCV`` fits each model on parts of the training data and maps its scores to
# probabilities on the other parts.
flat = SequenceVectorizer(["recency", "frequency", "gaps"], fill_value=0.0)
models = {
    "logistic regression": make_pipeline(
        flat, StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    ),
    "LSTM": make_pipeline(
        SequenceEncoder(categorical=["behavior_type"], numeric=["price"]),
        LSTMBehaviorClassifier(learning_rate=0.01, random_state=0),
    ),
}
calibrated = {
    name: CalibratedClassifierCV(model, method="isotonic", cv=3).fit(X_train, y_train)
    for name, model in models.items()
}
chance = {name: model.predict_proba(X_test)[:, 1] for name, model in calibrated.items()}
pd.Series({name: roc_auc_score(y_test, p) for name, p in chance.items()}, name="AUC").round(3)

# %%
# Check the calibration
# ---------------------
# Both curves should follow the diagonal: of the customers with a probability of 0.3, three in ten
# stay away.
figure, axes = plt.subplots(figsize=(5, 4))
for name, p in chance.items():
    CalibrationDisplay.from_predictions(
        y_test, p, n_bins=6, strategy="quantile", name=name, ax=axes
    )
axes.set_title("Calibration on held-out customers")
plt.tight_layout()

# %%
# The threshold that follows from the costs
# -----------------------------------------
# An offer costs 3. It brings back one in five of those who would stay away, who is then worth 50.
# So an offer gains :math:`0.2 \cdot 50 \cdot p - 3` on average for a customer who stays away with
# probability :math:`p`. This is positive from :math:`p = 0.3` on.
COST, EFFECT, WORTH = 3.0, 0.2, 50.0
threshold = COST / (EFFECT * WORTH)


def gain(p, at):
    """Mean gain per customer if everyone with at least this probability gets an offer."""
    return np.mean((p >= at) * (EFFECT * WORTH * y_test - COST))


# %%
# Each curve has its maximum at or next to that threshold. At the left end everyone gets an offer,
# at the right end nobody.
# sphinx_gallery_thumbnail_number = 2
at = np.linspace(0, 1, 101)
curves = {name: np.array([gain(p, each) for each in at]) for name, p in chance.items()}
figure, axes = plt.subplots(figsize=(7, 4))
for name, curve in curves.items():
    (line,) = axes.plot(at, curve, label=name)
    axes.plot(at[curve.argmax()], curve.max(), "o", color=line.get_color())
axes.axvline(threshold, color="gray", linestyle=":", label="threshold from the costs")
axes.axhline(0, color="black", linewidth=0.5)
axes.set(xlabel="offers from this probability on", ylabel="gain per customer")
axes.set_title("Gain by threshold (dots: maximum of each curve)")
axes.legend()
plt.tight_layout()

# %%
gains = {name: gain(p, threshold) for name, p in chance.items()}
gains |= {f"{name}, best threshold": curve.max() for name, curve in curves.items()}
gains |= {"an offer to everyone": gain(np.ones(len(y_test)), 0.5), "no offers": 0.0}
pd.Series(gains, name="gain per customer").round(3)

# %%
# The best threshold of a curve is known only afterwards. The threshold from the costs comes close
# to it without looking at the test set.

# %%
# Make the threshold part of the model
# ------------------------------------
# ``FixedThresholdClassifier`` holds model and threshold together, so that ``predict`` answers
# whether to send an offer.
decide = FixedThresholdClassifier(FrozenEstimator(calibrated["LSTM"]), threshold=threshold)
offers = decide.fit(X_train, y_train).predict(X_test)
print(f"offers to {offers.mean():.0%}; {y_test[offers].mean():.0%} of them would stay away")
