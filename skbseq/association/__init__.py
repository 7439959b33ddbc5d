"""Items that occur together: frequent sets, rules, ordered patterns, differences of classes."""

from skbseq.association._contrast import contrast_patterns
from skbseq.association._itemsets import frequent_itemsets
from skbseq.association._rules import association_rules
from skbseq.association._sequences import sequential_patterns

__all__ = [
    "association_rules",
    "contrast_patterns",
    "frequent_itemsets",
    "sequential_patterns",
]
