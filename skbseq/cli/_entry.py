"""The entry point. Its imports take seconds, so Ctrl-C during them must also exit cleanly."""

try:
    from skbseq.cli._main import main
except KeyboardInterrupt:
    raise SystemExit(130) from None

__all__ = ["main"]
