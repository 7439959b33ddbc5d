"""Atomic writes: a file appears complete or not at all."""

import errno
import os
import re
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be renamed anyway
    fcntl = None

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
        With the same extension as ``path``. It exists and is empty. Temporary files for the same
        ``path`` whose process has ended are removed, except on Windows.

    Raises
    ------
    OSError
        If ``path`` is something other than a regular file, or cannot be written.
    """
    _check_regular(path)
    # A symbolic link is followed: its target is replaced, not the link.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f"{_beginning(target)}{secrets.token_hex(8)}{target.suffix}")
    try:
        with _claimed(temporary):
            _sweep(target)
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


def _beginning(target):
    """How the names of temporary files for a target begin."""
    return f".{target.stem}.skbseq-"


@contextmanager
def _claimed(temporary):
    """Create a file and hold its lock, which the system releases when the process ends."""
    descriptor = _create_locked(temporary)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _create_locked(temporary):
    if fcntl is None:
        temporary.touch()
        return None
    while True:
        descriptor = os.open(temporary, os.O_CREAT | os.O_RDWR, 0o666)
        with suppress(OSError):  # the file system may have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another process may have found the file before it was locked, and removed it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(temporary)):
                return descriptor
        os.close(descriptor)


def _sweep(target):
    """Remove temporary files of processes that were killed while they wrote to a target."""
    if fcntl is None:
        return
    known = re.compile(re.escape(_beginning(target)) + "[0-9a-f]{16}" + re.escape(target.suffix))
    with suppress(OSError), os.scandir(target.parent) as entries:
        for found in [entry.path for entry in entries if known.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_if_unlocked(found)


def _remove_if_unlocked(path):
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        # An error if its process still runs, or if the file system has no locks.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(descriptor)
