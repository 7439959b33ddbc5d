"""The way in: the imports below take seconds, in which Ctrl-C is no error either."""

try:
    from skbseq.cli._main import main
except KeyboardInterrupt:
    raise SystemExit(130) from None

__all__ = ["main"]
