"""Atomic writes: a file appears complete or not at all."""

import errno
import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["check_writable", "replacing"]

_SPECIAL_FILES = (
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
    # Try it: permission bits alone do not say whether a write succeeds.
    with replacing(path, keep=False) as temporary:
        temporary.touch()


@contextmanager
def replacing(path, *, keep=True):
    """A temporary path in the same folder that replaces ``path`` on success.

    Parameters
    ----------
    path : str or os.PathLike
    keep : bool, default=True
        False: only try to write; the temporary file is always removed.

    Yields
    ------
    pathlib.Path
        With the same extension as ``path``.

    Raises
    ------
    OSError
        If ``path`` is something other than a regular file, or cannot be written.
    """
    _check_regular(path)
    # A symbolic link is followed: its target is replaced, not the link.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        if keep:
            _settle(temporary, target)
    except OSError as error:
        # The message names the user's path; the temporary one would mean nothing to the user.
        why = f"Cannot write: {error.strerror or error}"
        raise OSError(error.errno, why, os.fspath(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _check_regular(path):
    """Refuse a folder, a pipe or a device, which the new file would replace."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # nothing is there, or the write will fail with a better message
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "This is a folder, not a file", os.fspath(path))
    if not stat.S_ISREG(mode):
        found = next((name for name, test in _SPECIAL_FILES if test(mode)), "something else")
        why = f"This is {found}, not a file: give the name of one"
        raise OSError(errno.EINVAL, why, os.fspath(path))


def _settle(temporary, target):
    """Rename a file to its final name, after its bytes are on the disk."""
    if target.exists():
        shutil.copymode(target, temporary)
    # Without this, a power failure could leave the new name with incomplete contents.
    with open(temporary, "r+b") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)
