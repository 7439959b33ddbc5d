"""Damaged and hostile model files are refused, or load as what was saved."""

import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skbseq import SequenceEncoder, load, save
from skbseq._files import replacing
from skbseq.exceptions import ModelFileError
from skbseq.persistence import _archive, read_metadata

ROOT = Path(__file__).parents[1]
# SKBSEQ_MUTATED_FILES=2000 tries more; see docs/contributing.rst.
N_MUTATED = int(os.environ.get("SKBSEQ_MUTATED_FILES", "300"))
RECORD, SCHEMA = "skbseq.json", "schema.json"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A file of an encoder and a linear model, which load quickly and hold numbers and words."""
    X = pd.DataFrame({"what": [["view", "buy"], ["view"]], "price": [[1.0, 2.5], [4.0]]})
    linear = LogisticRegression(C=0.25).fit(np.arange(12.0).reshape(6, 2), list("ababab"))
    path = tmp_path_factory.mktemp("model") / "model.skbseq"
    save(make_pipeline(SequenceEncoder().fit(X), linear), path, metadata={"horizon": 7})
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skbseq"


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, method=zipfile.ZIP_DEFLATED):
    """An archive of pairs of name and bytes, whose checks are right."""
    result = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(result, "w", method, compresslevel=1) as archive,
    ):
        warnings.simplefilter("ignore")  # a name may be there twice
        for name, member in members:
            archive.writestr(name, member)
    return result.getvalue()


def without_index(members):
    """The members of the same file as an earlier version wrote them."""
    record, schema = json.loads(members[RECORD]), json.loads(members[SCHEMA])
    del record["members"], record["sha256"], schema["_skbseq_index"]
    return members | {RECORD: json.dumps(record).encode(), SCHEMA: json.dumps(schema).encode()}


def array_declaring(shape, data=b"", descr="<f8"):
    """A .npy member whose header declares a shape, whatever data follow."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


# ----------------------------------------------------------------- mutations


def flip_bits(content, rng):
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 20])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_or_extend(content, rng):
    at = rng.randrange(len(content))
    return rng.choice([content[:at], content[at:], content + content[:at], content[:at] * 2])


def change_a_member(content, rng):
    members = members_of(content)
    name = rng.choice(list(members))
    return packed((members | {name: flip_bits(members[name], rng)}).items())


def swap_members(content, rng):
    members = members_of(content)
    one, other = rng.sample(list(members), 2)
    members[one], members[other] = members[other], members[one]
    return packed(members.items())


def change_a_number(content, rng):
    members = members_of(content)
    name = rng.choice([RECORD, SCHEMA])
    text = members[name].decode()
    found = rng.choice(list(re.finditer(r"\d+", text)))
    number = str(rng.choice([0, 1, 2, 10**9, -1, rng.randrange(1000)]))
    members[name] = (text[: found.start()] + number + text[found.end() :]).encode()
    return packed(members.items())


def declare_a_shape(content, rng):
    members = members_of(content)
    name = rng.choice([name for name in members if name.endswith(".npy")])
    shape = rng.choice([(10**12,), (2**31, 2**31), (2**62, 8), (0, 2**62), (3, 10**7)])
    return packed((members | {name: array_declaring(shape, b"\0" * 8)}).items())


def drop_add_or_double(content, rng):
    members = list(members_of(content).items())
    one = rng.choice(members)
    more = rng.choice([one, ("../x", b""), ("0.npy", b""), (one[0], b"{}"), ("/etc/x", b"")])
    return packed(
        [pair for pair in members if pair != one] if rng.random() < 0.5 else [*members, more]
    )


def lose_the_index(content, rng):
    members = members_of(content)
    record = json.loads(members[RECORD])
    for name in rng.choice([["members"], ["sha256"], ["members", "sha256"]]):
        del record[name]
    other = {RECORD: json.dumps(record).encode()}
    name = rng.choice([name for name in members if name.endswith(".npy")])
    return packed((members | other | {name: flip_bits(members[name], rng)}).items())


def compress_otherwise(content, rng):
    method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    return packed(members_of(content).items(), method)


MUTATIONS = [
    flip_bits,
    cut_or_extend,
    change_a_member,
    swap_members,
    change_a_number,
    declare_a_shape,
    drop_add_or_double,
    lose_the_index,
    compress_otherwise,
]


def test_a_mutated_file_is_refused_or_loads_as_it_was(content, path):
    path.write_bytes(content)
    expected, rng = skops.io.dumps(load(path)), random.Random(0)
    expected, found = fingerprint(expected), Counter()
    for i in range(N_MUTATED):
        mutate = MUTATIONS[i % len(MUTATIONS)]
        path.write_bytes(mutate(content, rng))
        try:
            again = load(path)  # a warning would fail
        except ModelFileError:
            found["refused"] += 1
            continue
        same = fingerprint(skops.io.dumps(again)) == expected
        found["equal" if same else f"different by {mutate.__name__}"] += 1
    print(dict(found))
    assert set(found) == {"refused", "equal"}


def fingerprint(dumped):
    """The content of an archive by skops, without the names that it takes from addresses."""
    members = members_of(dumped)
    schema = members.pop(SCHEMA).decode()
    names = sorted(members, key=schema.index)
    arrays = [members[name] for name in names]
    for i, name in enumerate(names):
        schema = schema.replace(name, f"member {i}")
    schema = re.sub(r'"__id__": \d+', "", schema)
    return schema, arrays


# ----------------------------------------------------- files without an index


def test_a_file_without_an_index_still_loads(content, path):
    path.write_bytes(packed(without_index(members_of(content)).items()))
    assert load(path)[-1].C == 0.25
    assert read_metadata(path)["metadata"] == {"horizon": 7}


def test_a_changed_record_is_refused(content, path):
    members = members_of(content)
    record = json.loads(members[RECORD])
    record["metadata"]["horizon"] = 8
    path.write_bytes(packed((members | {RECORD: json.dumps(record).encode()}).items()))
    for read in load, read_metadata:
        with pytest.raises(ModelFileError, match="differs from the digest that it was saved with"):
            read(path)


@pytest.mark.parametrize("shape", [(10**12,), (2**62, 8), (3, 10**7)])
def test_a_declared_shape_is_checked_without_an_index(content, path, shape):
    members = without_index(members_of(content))
    name = next(name for name in members if name.endswith(".npy"))
    members[name] = array_declaring(shape)
    path.write_bytes(packed(members.items()))
    with pytest.raises(ModelFileError, match=r"declares the shape \(.* but has 0 bytes"):
        load(path)


def test_what_compresses_very_well_is_saved_and_loaded(path, monkeypatch):
    monkeypatch.setattr(_archive, "_ALWAYS", 2**20)
    linear = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    linear.zeros_ = np.zeros(2**18)
    save(linear, path)
    assert load(path).zeros_.shape == (2**18,)


LOAD_EACH = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
sys.path.insert(0, {root!r})
from skbseq import load
from skbseq.exceptions import ModelFileError
for path in {paths!r}:
    begin = time.process_time()
    try:
        load(path)
        end = "loaded"
    except ModelFileError as error:
        end = str(error)
    print(f"{{time.process_time() - begin:.2f}} s: {{end}}")
try:
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
except OSError:
    print("the peak of memory is unknown")
"""
BOMB_SIZE = 80_000_000  # more than the 64 MiB that are always read


def bombs(content):
    """Members of files that are small and would take much memory, and what is said of them."""
    members = members_of(content)
    old, name = without_index(members), next(name for name in members if name.endswith(".npy"))
    zeros = array_declaring((BOMB_SIZE // 8,), bytes(BOMB_SIZE))
    lists = b"[" + b"[]," * (BOMB_SIZE // 3) + b"[]]"
    half = zeros[: BOMB_SIZE // 2]
    yield "would unpack", members | {name: zeros}
    yield "would unpack", old | {name: zeros}
    yield "would unpack", old | {"1.npy": half, "2.npy": half}
    yield "would unpack", old | {SCHEMA: lists}
    yield "would unpack", old | {RECORD: lists}
    yield "cannot be read", old | {SCHEMA: b"[" * 1_000_000}
    # The largest that is read: its memory is bounded, too.
    yield "cannot be read", old | {SCHEMA: lists[: 2**22 - 3] + b"[]]"}
    node = b'{"__class__":"x","__module__":"x","__loader__":"JsonNode","content":"1"},'
    nodes = b'{"protocol":2,"__class__":"list","__module__":"builtins","__loader__":"ListNode",'
    nodes += b'"content":[' + node * (2**22 // len(node) - 3) + node[:-1] + b"]}"
    yield "loaded", old | {SCHEMA: nodes}


def test_bombs_are_refused_before_they_unpack(content, tmp_path):
    pytest.importorskip("resource", reason="needs a limit on memory")
    paths, expected = [], []
    for i, (said, members) in enumerate(bombs(content)):
        paths.append(str(tmp_path / f"{i}.skbseq"))
        Path(paths[-1]).write_bytes(packed(members.items()))
        expected.append(said)
    done = run(LOAD_EACH.format(root=str(ROOT), paths=paths))
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # shown by pytest -s
    for said, line in zip(expected, done.stdout.splitlines()[: len(expected)], strict=True):
        assert said in line
        assert float(line.partition(" s")[0]) < 10


def run(code, **env):
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **env},
    )


# ------------------------------------------------------------ temporary files


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_the_next_save_sweeps_what_a_killed_one_left(path):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            os.write(writer, b"x")
            time.sleep(60)
    assert os.read(reader, 1) == b"x"
    own = path.with_name(".model.notes.skbseq")
    own.touch()
    save(LogisticRegression(), path)
    assert len(list(path.parent.iterdir())) == 3  # that of a living process stays
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    save(LogisticRegression(), path)
    assert set(path.parent.iterdir()) == {path, own}


def test_saves_at_once_leave_each_other_alone(path):
    with replacing(path) as first, replacing(path) as second:
        first.write_bytes(b"1")
        second.write_bytes(b"2")
    assert path.read_bytes() == b"1"  # the outer one ends last
    assert list(path.parent.iterdir()) == [path]


# -------------------------------------------------------------- bad arguments


@pytest.mark.parametrize("path", [3, None, b"model.skbseq", "", "a\0b", "a\ud800b"])
def test_a_path_that_is_none_is_named(path):
    for use in (load, read_metadata, lambda path: save(SequenceEncoder(), path)):
        with pytest.raises((TypeError, ValueError), match=r"^path(=.* cannot| must| is empty)"):
            use(path)


@pytest.mark.parametrize("kind", [3, None, "name", b"a.b", object()])
def test_a_trusted_type_that_is_none_is_named(content, path, kind):
    path.write_bytes(content)
    with pytest.raises(TypeError, match=r"trusted\[1\] must be a type, .* got .* load lists"):
        load(path, trusted=["shop.Type", kind])


def test_an_estimator_that_is_none_is_named(path):
    with pytest.raises(TypeError, match=r"an instance; got the class SequenceEncoder\. Save a"):
        save(SequenceEncoder, path)
    with pytest.raises(TypeError, match=r"estimator must be .*; got 3 \(int\)"):
        save(3, path)
    nested = []
    nested.append(nested)
    with pytest.raises(TypeError, match="contains itself or is nested too deep"):
        save(LogisticRegression(C=nested), path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({1: 2}, r"The keys of metadata must be strings.* got the key 1 \(int\)"),
        ({"a": [{None: 1}]}, r"The keys of metadata\['a'\]\[0\] must be strings"),
        ({"a": "\ud800"}, r"metadata\['a'\] must be valid Unicode; got '\\ud800'"),
        ({"\ud800": 1}, r"a key of metadata must be valid Unicode"),
        ({"a": {1}}, r"metadata\['a'\] must be valid JSON.* got \{1\} \(set\)"),
        ({"a": 10**5000}, r"metadata cannot be written as JSON"),
    ],
)
def test_metadata_that_would_not_come_back_are_refused(path, metadata, message):
    with pytest.raises((TypeError, ValueError), match=message):
        save(SequenceEncoder(), path, metadata=metadata)
    assert not path.exists()


# --------------------------------------------------------------- forked processes

FORKS = """
import os, signal, sys
sys.path.insert(0, {root!r})
import keras
print("imported", file=sys.stderr, flush=True)
import pandas as pd
from skbseq import BagBehaviorClassifier, MarkovChain, SequenceEncoder, SequenceVectorizer
X, y = pd.DataFrame({{"what": [["view", "buy"], ["view"]] * 4}}), [0, 1] * 4
encoded = SequenceEncoder().fit_transform(X)
model = BagBehaviorClassifier(units=2, epochs=1)
def in_child(label, work):
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, label
        return
    signal.alarm(60)
    try:
        work()
        print(label, "works", flush=True)
    except Exception as error:
        print(label, type(error).__name__, error, flush=True)
    os._exit(0)
in_child("before", lambda: model.fit(encoded, y))
model.fit(encoded, y)
in_child("fit", lambda: BagBehaviorClassifier(units=3, epochs=1).fit(encoded, y))
in_child("predict", lambda: model.predict(encoded))
in_child("encoder", lambda: SequenceEncoder().fit_transform(X))
in_child("vectorizer", lambda: SequenceVectorizer().fit_transform(X))
in_child("chain", lambda: MarkovChain().fit(X))
model.predict(encoded)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_does_not_hang_and_the_log_is_quiet(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    done = run(FORKS.format(root=str(ROOT)))
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for label in ("fit", "predict"):
        assert re.match(r"RuntimeError .*get_context\('spawn'\).*loky", said.pop(label))
    assert said == dict.fromkeys(["before", "encoder", "vectorizer", "chain"], "works")
    # What Keras' import logs before is the user's; an E0000 line may come from oneDNN on old CPUs.
    log = done.stderr.partition("imported\n")[2]
    assert "I0000" not in log and "cuInit" not in log
