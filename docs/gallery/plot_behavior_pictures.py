"""
Pictures of a log
=================

What do users do, in which order, and do they come back? This example draws one log with the
displays of :mod:`skbseq.inspection`. Each display keeps its numbers: ``frame()`` returns them as a
table. The user guide explains the displays: :doc:`/user_guide/pictures`.
"""

# %%
# Activity and gaps
# -----------------
# The activity of this generated shop grows while users join. The hatched week is not over.
from skbseq import EventLog
from skbseq.datasets import make_shop_log
from skbseq.inspection import ActivityDisplay, GapDistributionDisplay

shop = make_shop_log(n_users=1500, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
activity = ActivityDisplay.from_log(log, period="week")

# %%
# Most gaps are minutes within a session, or days between sessions. The valley between is a good
# limit for sessions.
gaps = GapDistributionDisplay.from_log(log)
sessions = log.sessions(gap="30min").by("session")

# %%
# The funnel of a session
# -----------------------
# Each bar names the share of those who started and of those who were left at the step before.
from skbseq.inspection import FunnelDisplay

funnel = FunnelDisplay.from_log(sessions, ["view", "cart", "buy"])
funnel.ax_.set_xlabel("Sessions")
funnel.frame()

# %%
# What follows what
# -----------------
# The matrix has all numbers. The graph shows the frequent transitions.
from skbseq.inspection import TransitionGraphDisplay, TransitionMatrixDisplay

matrix = TransitionMatrixDisplay.from_log(sessions)

# %%
graph = TransitionGraphDisplay.from_log(sessions, min_share=0.15)

# %%
# Step by step
# ------------
from skbseq.inspection import StepMatrixDisplay, StepSankeyDisplay

steps = StepMatrixDisplay.from_log(sessions, n_steps=8)

# %%
flows = StepSankeyDisplay.from_log(sessions, n_steps=6)

# %%
# Do new users come back?
# -----------------------
# Each row is a cohort: the users whose first event lies in one week. Cells of weeks that are not
# over stay empty.
from skbseq.inspection import CohortRetentionDisplay

cohorts = CohortRetentionDisplay.from_log(log, period="week", n_periods=8)

# %%
# Whom to contact
# ---------------
# A model ranks customers by their probability to buy within a week. The best tenth contains
# several times as many buyers as a random tenth. In this shop the true probabilities are known, so
# the plot also shows the best possible model.
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skbseq import SequenceVectorizer
from skbseq.inspection import LiftCurveDisplay

samples = log.samples(at=shop.at)
X = log.histories(samples)
y = log.label_behavior(samples, behavior="buy", horizon="7D")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
trees = HistGradientBoostingClassifier(max_iter=50, max_depth=3, random_state=0)
model = make_pipeline(SequenceVectorizer(), trees).fit(X_train, y_train)
lift = LiftCurveDisplay.from_estimator(model, X_test, y_test, name="Aggregates and trees")
truth = pd.Series(shop.probability, index=shop.samples["user_id"])[X_test["user_id"]]
best = LiftCurveDisplay.from_predictions(y_test, truth, name="True probability", ax=lift.ax_)

# %%
# Why this customer
# -----------------
# What does each event add to the prediction? Here the model predicts each beginning of one
# history; an event adds the difference. The display takes such numbers from any method.
import numpy as np
from scipy.special import logit

from skbseq.inspection import EventAttributionDisplay

row = X_test[X_test["behavior_type"].map(len).between(9, 12)].iloc[[0]]
channels = ["timestamp", "behavior_type", "product_id", "category", "price"]
names, times = row["behavior_type"].iloc[0], row["timestamp"].iloc[0]
n_events = len(names)
beginnings = pd.concat([row] * (n_events + 1), ignore_index=True)
for channel in channels:
    lists = [row[channel].iloc[0][:n] for n in range(n_events + 1)]
    beginnings[channel] = pd.Series(lists, dtype=row[channel].dtype)
log_odds = logit(model.predict_proba(beginnings)[:, 1])
strip = EventAttributionDisplay.from_contributions(
    np.diff(log_odds), names, times=times, cutoff=shop.at, baseline=log_odds[0]
)

# %%
# A network's training, and its vectors
# -------------------------------------
from skbseq import BehaviorEmbedder, SequenceEncoder
from skbseq.inspection import EmbeddingMapDisplay, TrainingHistoryDisplay

encoder = SequenceEncoder(categorical=["behavior_type", "category"], time_features=("gap", "age"))
embedder = BehaviorEmbedder(encoder, units=16, epochs=5, random_state=0).fit(X_train)
history = TrainingHistoryDisplay.from_estimator(embedder)

# %%
last = X_test["behavior_type"].map(lambda events: events[-1])
vectors = EmbeddingMapDisplay.from_estimator(embedder, X_test, labels=last)
vectors.ax_.set_title("Histories by their last event")
