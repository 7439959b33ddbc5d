"""
What goes together, and what differs
====================================

Association rules find articles that are bought together. Contrast patterns find what buyers do
differently from others. This example draws both with their intervals, so that you see which
findings have enough data. The user guide explains the functions and the traps:
:doc:`/user_guide/associations`.
"""

# %%
# Invoices of a shop
# ------------------
# The generated log has 3,000 invoices with 12 articles. Three pairs belong together. All other
# articles are bought independently of one another, and "wrap" is in nearly every invoice.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skbseq import EventLog
from skbseq.association import association_rules, contrast_patterns, frequent_itemsets
from skbseq.datasets import make_shop_log

articles = "cup saucer lamp bulb pen paper wrap soap vase clock frame mat".split()
shares = np.array([0.12, 0.03, 0.05, 0.02, 0.15, 0.15, 0.95, 0.1, 0.04, 0.03, 0.08, 0.02])
pairs = {"cup": ("saucer", 0.5), "lamp": ("bulb", 0.4), "pen": ("paper", 0.2)}

rng = np.random.default_rng(0)
bought = rng.random((3000, len(articles))) < shares
for first, (second, probability) in pairs.items():
    together = bought[:, articles.index(first)] & (rng.random(3000) < probability)
    bought[:, articles.index(second)] |= together
invoice, article = np.nonzero(bought)
lines = pd.DataFrame(
    {
        "invoice": invoice,
        "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(invoice, unit="h"),
        "article": np.array(articles)[article],
    }
)
log = EventLog(lines, user="invoice", time="time", product="article").clean()

# %%
# Frequent sets
# -------------
# A set must occur in at least 0.2% of the invoices, which is 6 of them.
itemsets = frequent_itemsets(log, min_support=0.002, max_size=2)
itemsets.groupby("size").head(4)

# %%
# Rules with their intervals
# --------------------------
# All pairs of two articles, by the lower end of the interval of the lift. A lift of 1 means
# independent. The three true pairs stand out: their intervals lie above 1. Some others have a lift
# far above 1 by chance, but their intervals reach below 1, so their points are hollow.
rules = association_rules(itemsets, metric="lift_low", min_value=0)
names = rules["antecedent"].map(lambda items: items[0])
others = rules["consequent"].map(lambda items: items[0])
rules = rules[names < others].assign(pair=names + " and " + others).head(15)


def draw_intervals(ax, table, value, labels, filled):
    """A point and its interval per row, on a logarithmic scale."""
    middle = table[value]
    error = [middle - table[f"{value}_low"], table[f"{value}_high"] - middle]
    ax.errorbar(middle, labels, xerr=error, fmt="none", zorder=1)
    colors = np.where(filled, "tab:blue", "white")
    ax.scatter(middle, labels, c=colors, edgecolors="tab:blue", zorder=2)
    ax.axvline(1, color="gray", linestyle="--", zorder=0)
    ax.set_xscale("log")
    ticks = [0.5, 1, 2, 5, 10]
    ax.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.invert_yaxis()


fig, ax = plt.subplots(figsize=(7, 4.5))
draw_intervals(ax, rules, "lift", rules["pair"], rules["lift_low"] > 1)
ax.set(xlabel="Lift, with 95% interval", title="Pairs of articles")
fig.tight_layout()

# %%
# What buyers do differently
# --------------------------
# Another generated log has the behaviour of 2,000 customers. Which patterns of two events, one
# directly after the other, are more frequent in the two weeks before a purchase? Each customer
# counts once.
shop = make_shop_log(n_users=2000, random_state=0)
visits = EventLog(shop.events, **shop.roles).clean()
samples = visits.samples(at=shop.at)
X = visits.histories(samples, lookback="14D")
y = visits.label_behavior(samples, behavior="buy", horizon="7D")
contrast = contrast_patterns(X, y, item="behavior_type", max_gap=1)
contrast[["items", "count", "support_positive", "support_negative", "odds_ratio"]].head().round(2)

# %%
# A pattern with an odds ratio above 1 is more frequent among the customers who buy in the next
# week. Filled points differ significantly after Holm's correction, at a level of 5%.
contrast = contrast[contrast["size"] == 2].sort_values("odds_ratio", ascending=False)
labels = contrast["items"].map(" → ".join)
fig, ax = plt.subplots(figsize=(7, 5.5))
draw_intervals(ax, contrast, "odds_ratio", labels, contrast["p_holm"] < 0.05)
ax.set(xlabel="Odds ratio, with 95% interval", title="Patterns before a purchase")
fig.tight_layout()

# %%
# Customers who buy are more active, so most patterns are more frequent among them. At the top are
# the two that leave a product in the basket; a search, which abandons the basket, is at the
# bottom. A difference is not a cause, and counts of patterns do not see the rest of the history:
# for predictions, train a model (:doc:`/user_guide/classifying`).
