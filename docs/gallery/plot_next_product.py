"""
Predict the next product
========================

Which product will a visitor look at next? In this small generated shop the answer depends on the
last *two* products: visitors who moved up the list keep moving up, those who moved down keep
moving down, and now and then somebody turns round or jumps. A count of what follows *one* product
cannot see the direction. :class:`~skbseq.NextBehaviorPredictor` can, and so can
:class:`~skbseq.MarkovChain` of order 2. The user guide explains both:
:doc:`/user_guide/next_events`.
"""

# %%
# Generate histories
# ------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skbseq import MarkovChain, MostFrequent, NextBehaviorPredictor
from skbseq.metrics import hold_out_last, ranking_scorer

N_PRODUCTS, LENGTH = 20, 10


def visits(n, seed):
    """Walks around a ring of products, whose direction only turns now and then."""
    rng = np.random.default_rng(seed)
    turns = np.where(rng.random((n, LENGTH)) < 0.1, -1, 1)
    turns[:, 0] = rng.choice([-1, 1], n)
    steps = np.cumprod(turns, axis=1)
    jumps = np.where(rng.random((n, LENGTH)) < 0.1, rng.integers(0, N_PRODUCTS, (n, LENGTH)), 0)
    places = (rng.integers(0, N_PRODUCTS, (n, 1)) + np.cumsum(steps + jumps, axis=1)) % N_PRODUCTS
    return pd.DataFrame({"product": [[f"p{i:02}" for i in row] for row in places.tolist()]})


X, new = visits(1500, 0), visits(500, 1)
X["product"].head(3).tolist()

# %%
# Rank all products
# -----------------
# :func:`~skbseq.metrics.hold_out_last` holds out the last product of each new visit.
# :func:`~skbseq.metrics.ranking_scorer` ranks all products. It reports the share of visits whose
# product is among the first two (:func:`~skbseq.metrics.recall_at_k`), and the mean reciprocal
# rank (:func:`~skbseq.metrics.mrr_at_k`). :func:`~skbseq.metrics.ndcg_at_k` is a third choice.
before, truth = hold_out_last(new)
scorer = ranking_scorer(k=2, metrics=("recall", "mrr"))
models = {
    "most frequent": MostFrequent(),
    "Markov chain of order 1": MarkovChain(),
    "Markov chain of order 2": MarkovChain(order=2),
    "network": NextBehaviorPredictor(
        units=32, dropout=0.1, learning_rate=0.01, epochs=15, random_state=0
    ),
}
scores = {name: scorer(model.fit(X), before, truth) for name, model in models.items()}
table = pd.DataFrame(scores).T.round(3)
table

# %%
# The most probable next products
# -------------------------------
# After p03, p04 the next product is higher, after p05, p04 it is lower.
network = models["network"]
asked = pd.DataFrame({"product": [["p03", "p04"], ["p05", "p04"]]})
figure, axes = plt.subplots(2, 1, sharex=True, figsize=(7, 4))
for axis, history, p in zip(axes, asked["product"], network.predict_proba(asked), strict=True):
    axis.bar(network.classes_, p)
    axis.set(title="Next product after " + ", ".join(history), ylabel="probability")
axes[1].tick_params(axis="x", rotation=90)
plt.tight_layout()

# %%
# Sample future visits
# --------------------
# :meth:`~skbseq.NextBehaviorPredictor.sample_paths` continues a history at random. A low
# temperature keeps to probable products; 0 always takes the most probable one.
for temperature in (0, 0.5, 1):
    paths = network.sample_paths(asked, 6, temperature=temperature, random_state=0)
    print(f"{temperature:>3}", *paths["product"].iloc[0])
