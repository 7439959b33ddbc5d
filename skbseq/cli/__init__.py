"""The command ``skbseq``: train on a log, score a log, or run a demonstration."""

from skbseq.cli._entry import main

__all__ = ["main"]
