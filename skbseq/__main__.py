"""``python -m skbseq`` runs the command ``skbseq``."""

import sys

from skbseq.cli import main

if __name__ == "__main__":
    sys.exit(main())
