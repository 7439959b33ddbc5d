"""Files that appear whole or not at all."""

import errno
import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["check_writable", "replacing"]

_KINDS = (
    ("a named pipe", stat.S_ISFIFO),
    ("a device", stat.S_ISCHR),
    ("a device", stat.S_ISBLK),
    ("a socket", stat.S_ISSOCK),
)


def check_writable(path):
    """Raise an `OSError` that names the path if no file can be written there."""
    path = Path(path)
    _check_regular(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no such folder", os.fspath(path.parent))
    with replacing(path, keep=False) as temporary:
        temporary.touch()


@contextmanager
def replacing(path, *, keep=True):
    """A temporary path in the same folder, moved to its place if all goes well, else removed.

    Parameters
    ----------
    path : str or os.PathLike
    keep : bool, default=True
        False removes the temporary file in any case, for a trial.

    Yields
    ------
    pathlib.Path
        With the ending of the path.

    Raises
    ------
    OSError
        If something other than a regular file is there, or none can be written.
    """
    _check_regular(path)
    # Through a link, the file that it points to is replaced and not the link.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        if keep:
            _settle(temporary, target)
    except OSError as error:
        # The temporary name means nothing to whoever reads this.
        why = f"Cannot write: {error.strerror or error}"
        raise OSError(error.errno, why, os.fspath(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _check_regular(path):
    """Refuse a folder, a pipe or a device: a file would be put in its place."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # nothing is there, or writing will tell
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "This is a folder, not a file", os.fspath(path))
    if not stat.S_ISREG(mode):
        kind = next((kind for kind, test in _KINDS if test(mode)), "something else")
        why = f"This is {kind}, not a file: give the name of one"
        raise OSError(errno.EINVAL, why, os.fspath(path))


def _settle(temporary, target):
    """Move a file to its place, on the disk before the name points to it."""
    if target.exists():
        shutil.copymode(target, temporary)
    with open(temporary, "r+b") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)
