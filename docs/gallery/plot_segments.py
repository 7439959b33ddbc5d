"""
Customer segments from embeddings
=================================

Which customers behave alike? A :class:`~skbseq.BehaviorEmbedder` learns a vector for each history
without any label. This example clusters the vectors. It describes each cluster by what its
customers did, and by what they do afterwards. The user guide explains the embedder:
:doc:`/user_guide/embedding`.
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
# The last column but one is about the week after the cutoff, which the embedder has not seen.
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
# The segments in two dimensions
# ------------------------------
place = PCA(2).fit_transform(vectors)
fig, ax = plt.subplots(figsize=(6, 5))
points = ax.scatter(*place.T, c=segment, cmap="tab10", s=6)
ax.legend(*points.legend_elements(), title="Segment")
ax.set(xlabel="First principal component", ylabel="Second principal component")
ax.set_title("Customers by their vectors")
fig.tight_layout()
