"""Questions about speed, each put to skbseq and to its peers: see ``python -m benchmarks -h``.

One file per group of questions. A question names its *cases*, each a process of its own, which
take turns for some *rounds* on the same data, and its *checks*, figures taken from the cases of
each round.
"""
