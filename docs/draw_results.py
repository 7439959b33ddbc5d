"""Draw the picture of results on the first page: ``python docs/draw_results.py``, two minutes.

It takes the README's example and repeats its split, with the models that anybody would try first
next to the LSTM. The picture, ``docs/_static/results.svg``, holds the means over the splits.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbseq import SequenceVectorizer
from skbseq.datasets import make_shop_log

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "_static" / "results.svg"
SEEDS = range(5)
INK, GROUND = "#1e293b", "#f8fafc"


def readme_example():
    """The names that the README's example defines, once it has run."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"<!-- example -->\n```python\n(.*?)^```", readme, re.M | re.S)[1]
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


def counts_and_recency(X):
    """How often each behaviour occurred, and the days since the first and the last event."""
    events = X["behavior_type"].explode()
    counts = pd.crosstab(events.index, events.to_numpy()).reindex(X.index, fill_value=0)
    days = (X["cutoff"].iloc[0] - pd.to_datetime(X["timestamp"].explode())) / pd.Timedelta("1D")
    spans = days.groupby(level=0).agg(["min", "max"]).reindex(X.index)
    return counts.assign(recency=spans["min"], tenure=spans["max"])


def scores():
    """ROC AUC of each model on each split."""
    example = readme_example()
    X, y = example["X"], example["y"]
    shop = make_shop_log(n_users=4000, random_state=0)
    truth = pd.Series(shop.probability, index=shop.samples["user_id"]).loc[X["user_id"]].to_numpy()
    boosting = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.05, random_state=0)
    models = {
        "counts, recency,\ngradient boosting": make_pipeline(
            FunctionTransformer(counts_and_recency), boosting
        ),
        "SequenceVectorizer,\ngradient boosting": make_pipeline(SequenceVectorizer(), boosting),
        "LSTM": example["model"],
    }
    found = {name: [] for name in [*models, "best reachable"]}
    for seed in SEEDS:
        train, test = train_test_split(np.arange(len(y)), stratify=y, random_state=seed)
        for name, model in models.items():
            fitted = clone(model).fit(X.iloc[train], y[train])
            found[name].append(roc_auc_score(y[test], fitted.predict_proba(X.iloc[test])[:, 1]))
        found["best reachable"].append(roc_auc_score(y[test], truth[test]))
    return pd.DataFrame(found)


def draw(table):
    """Bars of the means, with the value at each, on a ground that any page can carry."""
    means = table.mean()
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "skbseq", "text.color": INK})
    figure, axes = plt.subplots(figsize=(4.8, 2.6), facecolor=GROUND)
    colors = ["#94a3b8", "#94a3b8", "#1d4ed8", "#b45309"]
    bars = axes.barh(means.index, means - 0.5, left=0.5, color=colors)
    axes.bar_label(bars, labels=[f"{mean:.2f}" for mean in means], padding=4)
    axes.set(xlim=(0.5, 0.88), facecolor=GROUND, xlabel="ROC AUC (0.5: guessing)")
    axes.invert_yaxis()
    axes.tick_params(colors=INK, left=False)
    axes.xaxis.label.set_color(INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None}, facecolor=GROUND)


def main():
    """Train, print and draw."""
    table = scores()
    print(table.round(3).to_string())
    print(table.mean().round(3).to_string())
    draw(table)


if __name__ == "__main__":
    main()
