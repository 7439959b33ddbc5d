"""
Strong baselines
================

On many logs a few counts and a tree ensemble are as good as a network, and cheaper. So they stand
beside every result: :class:`~skbseq.SequenceVectorizer` makes a table of named features of the
same histories, for any scikit-learn model. Here the order of events matters by construction, and
the true probability is known, so that it shows what each way can and cannot see.
"""

# %%
# One frame, several models
# -------------------------
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
flat = SequenceVectorizer(["recency", "frequency", "counts", "gaps"], fill_value=0.0)
models = {
    "most frequent": DummyClassifier(),
    "features, logistic regression": make_pipeline(
        flat, StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    ),
    "features, gradient boosting": make_pipeline(
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
# Who can see the order?
# ----------------------
# Counts cannot. Transitions, gaps and the last event can in part, and a network in full, if there
# are enough samples to learn it from.
figure, axes = plt.subplots(figsize=(5, 5))
for name, values in scores.items():
    RocCurveDisplay.from_predictions(y[rows[1]], values, name=name, ax=axes)
plt.tight_layout()

# %%
# What the features are called
# ----------------------------
# Names say what a feature is, so that importances can be read.
flat.fit_transform(X_train)
pd.Series(flat.get_feature_names_out()).sample(8, random_state=0).tolist()
