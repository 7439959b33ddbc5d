"""
Segments of customers
=====================

Who behaves alike? An embedder learns from histories without any label; its vectors are clustered,
and the clusters are described by what their customers did and then do.
"""

# %%
# A vector for each customer
# --------------------------
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from skbseq import BehaviorEmbedder, EventLog, SequenceEncoder
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=2000, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()
samples = log.samples(at=shop.at)
X = log.histories(samples, max_events=40)
encoder = SequenceEncoder(categorical=["behavior_type", "category"], time_features=("gap", "age"))
embedder = BehaviorEmbedder(encoder, units=16, random_state=0)
vectors = embedder.fit_transform(X)
vectors.shape

# %%
# Four segments
# -------------
# What a segment buys later was not seen by the embedder.
segment = KMeans(4, n_init=10, random_state=0).fit_predict(vectors)
table = pd.DataFrame(
    {
        "segment": segment,
        "events": X["behavior_type"].map(len),
        "searches": X["behavior_type"].map(lambda events: sum(e == "search" for e in events)),
        "purchases": X["behavior_type"].map(lambda events: sum(e == "buy" for e in events)),
        "buys within a week": log.label_behavior(samples, behavior="buy", horizon="7D"),
    }
)
table.groupby("segment").mean().assign(customers=table["segment"].value_counts()).round(2)

# %%
# On two axes
# -----------
place = PCA(2).fit_transform(vectors)
fig, ax = plt.subplots(figsize=(6, 5))
points = ax.scatter(*place.T, c=segment, cmap="tab10", s=6)
ax.legend(*points.legend_elements(), title="Segment")
ax.set(xlabel="First principal component", ylabel="Second principal component")
fig.tight_layout()
