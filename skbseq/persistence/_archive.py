"""The zip archive of a model file: its index with digests, and limits on what it may unpack to.

The digests detect accidental damage and edits. They are not a signature: whoever writes a file
can compute them. What a file may do is limited by the types that `load` allows.
"""

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass

import numpy as np

from skbseq.exceptions import ModelFileError

RECORD = "skbseq.json"
SCHEMA = "schema.json"
# In the schema: the file has an index. So a file that has lost its index is not taken for one of
# an earlier version, which had none.
_MARK = "_skbseq_index"
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# A member may be this many times as large as its compressed form. `write` stores a member that
# would be more, so that no file of its own is refused. The rest of the limit is for files written
# elsewhere: what is smaller than this is never refused. JSON takes up to 40 times its size when
# it is read, arrays about four times.
_MAX_RATIO, _ALWAYS, _ALWAYS_JSON = 100, 2**26, 2**22
_PIECE = 2**20


@dataclass(frozen=True)
class Content:
    """What a model file holds.

    Parameters
    ----------
    record : dict or None
        ``format``, ``versions``, ``metadata``, and the index. None if the file is by skops alone.
    schema : dict
    archive : zipfile.ZipFile
    index : dict of str to dict or None
        ``size`` and ``sha256`` of each member. None for files of earlier versions.
    """

    record: dict | None
    schema: dict
    archive: zipfile.ZipFile
    index: dict | None

    def repacked(self, schema):
        """The members with another schema, as an archive that skops reads.

        Each member is read once, checked, and stored without compression.
        """
        result = io.BytesIO()
        with zipfile.ZipFile(result, "w") as target:
            for info in self.archive.infolist():
                if info.filename in (SCHEMA, RECORD):
                    continue
                member = _read_member(self.archive, info, self.index)
                _check_arrays(info.filename, member)
                target.writestr(info.filename, member)
            target.writestr(SCHEMA, json.dumps(schema))
        return result.getvalue()


def write(dumped, schema, record):
    """A model file.

    Parameters
    ----------
    dumped : bytes
        An archive by skops, whose schema is replaced.
    schema, record : dict

    Returns
    -------
    bytes
    """
    with zipfile.ZipFile(io.BytesIO(dumped)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    members[SCHEMA] = json.dumps({**schema, _MARK: True}).encode()
    index = {
        name: {"size": len(member), "sha256": hashlib.sha256(member).hexdigest()}
        for name, member in members.items()
    }
    record = {**record, "members": index}
    record["sha256"] = _digest(record)
    members[RECORD] = json.dumps(record, indent=2).encode()
    content, ratios = _zip(members)
    stored = {name for name, ratio in ratios.items() if ratio > _MAX_RATIO}
    return _zip(members, stored)[0] if stored else content


def _zip(members, stored=()):
    """An archive, and how many times as large as its compressed form each member is."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name, member in members.items():
            method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            target.writestr(name, member, method)
        ratios = {i.filename: i.file_size / max(i.compress_size, 1) for i in target.infolist()}
    return result.getvalue(), ratios


def read_record(archive, is_readable):
    """The record of an archive, or None, and its index, or None.

    Parameters
    ----------
    archive : zipfile.ZipFile
    is_readable : callable
        Raises an error if a record is of a later format.

    Returns
    -------
    record, index : dict or None

    Raises
    ------
    ModelFileError
        If a member is missing or unknown, or has another size than in the index, or the index
        differs from its digest.
    """
    infos = _members(archive)
    if RECORD not in infos:
        return None, None
    record = json.loads(_read_member(archive, infos[RECORD], None))
    is_readable(record)
    if "members" not in record and "sha256" not in record:
        return record, None
    found = record.pop("sha256", None)
    if found != _digest(record):
        raise ModelFileError(f"{RECORD!r} differs from the digest that it was saved with")
    index = record.pop("members")
    _compare(infos, index)
    return record, index


def open_content(archive, record, index):
    """The content of an archive whose record has been read."""
    infos = _members(archive)
    schema = json.loads(_read_member(archive, infos[SCHEMA], index))
    if index is None and _MARK in schema:
        raise ModelFileError(f"its index, in {RECORD!r}, is missing")
    return Content(record, schema, archive, index)


def _digest(record):
    content = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _members(archive):
    """Members by name, after a check of what the archive says of them."""
    infos = {}
    for info in archive.infolist():
        name = info.orig_filename
        if not _NAME.fullmatch(name):
            raise ModelFileError(
                f"the name of a member, {name[:80]!r}, is not one that skops gives"
            )
        if name in infos:
            raise ModelFileError(f"it holds {name!r} twice")
        if info.compress_type not in _METHODS or info.flag_bits & 1:
            raise ModelFileError(
                f"{name!r} is encrypted, or compressed by another method than deflate"
            )
        infos[name] = info
    _check_sizes(infos.values())
    return infos


def _check_sizes(infos):
    for info in infos:
        if info.filename.endswith(".json"):
            _check_size(repr(info.filename), info.file_size, info.compress_size, _ALWAYS_JSON)
    total = sum(info.file_size for info in infos)
    _check_size("it", total, sum(info.compress_size for info in infos), _ALWAYS)


def _check_size(what, size, compressed, always):
    if size > max(always, _MAX_RATIO * compressed):
        raise ModelFileError(
            f"{what} would unpack from {compressed:,} to {size:,} bytes, more than "
            f"{_MAX_RATIO} times as many"
        )


def _compare(infos, index):
    names = infos.keys() - {RECORD}
    for name in sorted(names ^ index.keys()):
        raise ModelFileError(f"{name!r} is {'missing' if name in index else 'not in its index'}")
    for name in names:
        size = index[name]["size"]
        if infos[name].file_size != size:
            raise ModelFileError(
                f"{name!r} has {infos[name].file_size:,} bytes; it was saved with {size:,}"
            )


def _read_member(archive, info, index):
    """A member, read in pieces, so that it never takes more than the size it declares."""
    pieces, digest = [], hashlib.sha256()
    with archive.open(info) as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
            digest.update(piece)
    member = b"".join(pieces)
    if len(member) != info.file_size:
        raise ModelFileError(f"{info.filename!r} ends early")
    if index is not None and digest.hexdigest() != index[info.filename]["sha256"]:
        raise ModelFileError(f"{info.filename!r} differs from what was saved")
    return member


def _check_arrays(name, member):
    """Refuse arrays that declare more than they hold, for which NumPy would reserve memory."""
    if name.endswith(".npy"):
        _check_array(name, io.BytesIO(member), len(member))
    elif name.endswith(".npz"):  # a sparse matrix: an archive of its arrays
        with zipfile.ZipFile(io.BytesIO(member)) as archive:
            for inner, info in _members(archive).items():
                with archive.open(info) as file:
                    _check_array(f"{inner} in {name}", file, info.file_size)


def _check_array(name, file, size):
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    # Version 3 differs from 2 only in the encoding of field names.
    shape, _, dtype = read(file)
    count = 1
    for length in shape:
        count *= length  # a Python integer, which does not overflow
    header = file.tell()
    # An item may have no bytes, as an empty string; then only the number of items is limited.
    if count * max(dtype.itemsize, 1) + header > size + (0 if dtype.itemsize else _ALWAYS_JSON):
        raise ModelFileError(
            f"the array {name!r} declares the shape {shape} of {dtype}, but has "
            f"{size - header:,} bytes"
        )
