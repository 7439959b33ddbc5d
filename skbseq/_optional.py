"""Load what is not always installed, and say what to install where it is missing."""

import importlib

__all__ = ["import_optional"]


def import_optional(module, *, extra, purpose):
    """Import a module of an optional dependency.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        The extra of skbseq that installs it.
    purpose : str
        What it is needed for, to end the sentence "... is needed ...".

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is needed {purpose}. Install it with: pip install 'skbseq[{extra}]'"
        ) from error
