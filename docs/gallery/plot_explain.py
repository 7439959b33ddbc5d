"""
Explain why a customer will buy
===============================

Which events made the model expect a purchase, does the explanation hold, and which channels does
the model need? The generated shop makes it possible to check the answers. The user guide has the
details: :doc:`/user_guide/explaining`.
"""

# %%
# A model to explain
# ------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder
from skbseq.datasets import make_shop_log
from skbseq.inspection import (
    channel_importance,
    counterfactual_events,
    deletion_insertion,
    explain_events,
)

shop = make_shop_log(n_users=2000, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
X = log.histories(shop.samples, max_events=20)
y = log.label_behavior(shop.samples, behavior="buy", horizon="7D")
X_train, X_test, y_train, y_test = X[:1400], X[1400:], y[:1400], y[1400:]
model = make_pipeline(
    SequenceEncoder(categorical=["behavior_type", "category"], numeric=["price"]),
    LSTMBehaviorClassifier(learning_rate=0.01, epochs=10, random_state=0),
).fit(X_train, y_train)

# %%
# Reasons in words
# ----------------
# The three customers with the highest probability, and the events that count most.
explanation = explain_events(model, X_test)
probability = model.predict_proba(X_test)[:, 1]
sentences = explanation.top(3, columns=["behavior_type", "product_id"])
for row in np.argsort(-probability)[:3]:
    print(f"{X_test['user_id'].iloc[row]}: probability {probability[row]:.2f}")
    for sentence in sentences[row]:
        print(f"  {sentence}")

# %%
# One customer in a picture
# -------------------------
# Gradients also split the contribution of each event by channel. The bars are the sums of the
# columns of the matrix. The behaviour decides, and late events count most.
gradients = explain_events(model, X_test, method="gradients")
n_events = gradients.lengths
customer = np.flatnonzero((n_events >= 8) & (n_events <= 12))
customer = customer[np.argmax(probability[customer])]
gradients.plot(customer, columns="behavior_type")

# %%
# One table for all events
# ------------------------
# ``frame()`` has a row per event, so pandas can answer questions about all explanations at once:
# what does the last event of a history contribute, depending on what it was?
events = explanation.frame()
last = events.groupby("row").tail(1)
figure, axes = plt.subplots(figsize=(6, 3.5))
groups = dict(list(last.groupby("behavior_type")["contribution"]))
axes.boxplot(list(groups.values()), showfliers=False)
axes.set_xticks(range(1, len(groups) + 1), list(groups))
axes.axhline(0, color="gray", linewidth=1)
axes.set(ylabel="contribution (log-odds)", title="What the last event contributes")
plt.tight_layout()

# %%
# Does the explanation hold?
# --------------------------
# Events are deleted in the order of their contributions. The prediction falls at once, and in the
# reverse order it rises.
result = deletion_insertion(model, X_test[:300], explain_events(model, X_test[:300]))
figure, axes = plt.subplots(figsize=(7, 3.5))
for (order, curve), style in zip(result.deletion.items(), ("-", "--", ":"), strict=True):
    axes.plot(result.shares, curve, style, label=order)
axes.set(xlabel="share of the events deleted", ylabel="log-odds of a purchase")
axes.legend(title="order")
plt.tight_layout()
result

# %%
# What would turn the answer
# --------------------------
# Of the expected buyers, how many events at most decide the answer?
buyers = X_test[probability > 0.5]
found = counterfactual_events(model, buyers, max_events=3)
n_events = found["events"].map(len).where(found["turned"], np.nan)
n_events.value_counts(dropna=False).sort_index().rename("customers")

# %%
# Which channels the model needs
# ------------------------------
# The shop ignores the category, and so does the model. Times matter little as long as the order of
# the events is kept.
importance = channel_importance(
    model,
    X_test,
    y_test,
    scoring="roc_auc",
    groups=["behavior_type", "price", "category", "timestamp", "(order)"],
    random_state=0,
).frame()
figure, axes = plt.subplots(figsize=(7, 3))
axes.barh(importance["channel"], importance["importance"], xerr=importance["std"])
axes.invert_yaxis()
axes.set(xlabel="loss of AUC", title="Importance of channels")
plt.tight_layout()
pd.DataFrame(importance).round(3)
