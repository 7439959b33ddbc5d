"""
Compare a network with strong baselines
=======================================

On many logs a few features and gradient boosting are as good as a network, and cheaper. Fit them
before you trust the network's score. :class:`~skbseq.SequenceVectorizer` turns the same histories
into a table of named features for any scikit-learn model.

In this generated shop the order of events matters, and the true probability of each purchase is
known. So the plot shows what each model misses. The user guide explains the features:
:doc:`/user_guide/baselines`.
"""

# %%
# One sequence frame for all models
# ---------------------------------
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=4000, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
samples = log.samples(at=shop.at)
X = log.histories(samples, max_events=100)
y = log.label_behavior(samples, behavior="buy", horizon="7D")
probability = pd.Series(shop.probability, index=shop.samples["user_id"])
truth = probability.loc[samples["user_id"]].to_numpy()
rows = train_test_split(X.index, test_size=0.4, random_state=0, stratify=y)
X_train, X_test = X.loc[rows[0]], X.loc[rows[1]]

# %%
# Four models
# -----------
flat = SequenceVectorizer(["recency", "frequency", "counts", "gaps"], fill_value=0.0)
models = {
    "most frequent": DummyClassifier(),
    "logistic regression": make_pipeline(
        flat, StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    ),
    "gradient boosting": make_pipeline(
        SequenceVectorizer(),
        HistGradientBoostingClassifier(max_iter=100, learning_rate=0.05, random_state=0),
    ),
    "LSTM": make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(random_state=0)),
}
scores = {}
for name, model in models.items():
    model.fit(X_train, y[rows[0]])
    scores[name] = model.predict_proba(X_test)[:, 1]
scores["true probability"] = truth[rows[1]]
aucs = {name: roc_auc_score(y[rows[1]], values) for name, values in scores.items()}
pd.Series(aucs, name="ROC AUC").round(3)

# %%
# Which model sees the order of events?
# -------------------------------------
# Counts do not contain the order. Transitions, gaps and the last event contain part of it. The
# network can learn all of it, if there are enough samples.
figure, axes = plt.subplots(figsize=(5, 5))
for name, values in scores.items():
    RocCurveDisplay.from_predictions(y[rows[1]], values, name=name, ax=axes)
axes.set_title("ROC curves on held-out customers")
axes.legend(fontsize="small", loc="lower right")
plt.tight_layout()

# %%
# Names of the features
# ---------------------
# Each name says what the feature is, so that importances can be read.
flat.fit_transform(X_train)
pd.Series(flat.get_feature_names_out()).sample(8, random_state=0).tolist()
