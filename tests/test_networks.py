"""Every network against plain NumPy, and what each promises: no padding seen, no later event."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# Fewer positions than some histories have events.
OPTIONS = (("kernel_size", 3), ("n_heads", 2), ("feed_forward_units", 7), ("max_positions", 6))
NO_SIZE = ("feed_forward_units", None)
KINDS = ["bag", "cnn", "esasrec", "gru", "hstu", "lstm", "rnn", "sasrec", "transformer"]
RECURRENT = ["gru", "lstm", "rnn"]
VARIANTS = [
    *((kind, {"n_layers": n}) for kind in KINDS for n in (1, 2)),
    *((kind, {"bidirectional": True, "n_layers": 2}) for kind in [*RECURRENT, "transformer"]),
    ("cnn", {"n_layers": 3, "options": (("kernel_size", 2),)}),
    ("transformer", {"units": 5}),
    ("transformer", {"options": (("n_heads", 1), NO_SIZE)}),
    ("sasrec", {"options": (("n_heads", 1), ("max_positions", 6))}),
    ("esasrec", {"units": 5, "options": (*OPTIONS[1:2], NO_SIZE, OPTIONS[3])}),
    ("hstu", {"units": 5, "gap": None}),
]


def make_spec(kind, **change):
    from skbseq.networks import NETWORKS, NetworkSpec

    options = tuple(pair for pair in OPTIONS if NETWORKS[kind].takes(pair[0]))
    if NETWORKS[kind].wants("gaps"):
        change = {"gap": 1} | change
    spec = NetworkSpec((6, 6), (3, 2), 2, 1, 1, 4, 1, False, 0.0, 0.0, "last", "float32")
    return replace(spec, **{"network": kind, "options": options, **change})


def reader(spec, rng):
    """Model from inputs to events as embedded, vectors of events, and the last; its weights."""
    import keras

    from skbseq.networks._graph import initial_weights
    from skbseq.networks._graph._build import embed_events, read_events, sequence_inputs

    inputs = sequence_inputs(spec)
    embedded = embed_events(inputs, spec)
    model = keras.Model(inputs, [embedded, *read_events(embedded, inputs, spec)])
    drawn = initial_weights(model, rng)
    # Zero biases and ones for scales would hide a mistake.
    model.set_weights([w + 0.1 * rng.normal(size=w.shape).astype("float32") for w in drawn])
    return model, {w.path: np.asarray(w.value, np.float64) for w in model.weights}


def make_batch(rng, lengths, steps=None):
    """Random inputs; what stands behind a sequence's end is as random as what stands before."""
    n, steps = len(lengths), steps or max(max(lengths), 1)
    return {
        "codes": rng.integers(0, 6, (n, steps, 2)).astype("int32"),
        "numbers": rng.normal(size=(n, steps, 2)).astype("float32"),
        "context": rng.normal(size=(n, 1)).astype("float32"),
        "lengths": np.array(lengths, "int32"),
    }


# ---------------------------------------------------------------- plain NumPy


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def lstm_by_hand(row, kernel, recurrent, bias):
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000)."""
    units, states = len(recurrent), []
    h, c = np.zeros(units), np.zeros(units)
    w_i, w_f, w_c, w_o = np.split(kernel, 4, axis=1)
    u_i, u_f, u_c, u_o = np.split(recurrent, 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(bias, 4)
    for x in row:
        i = sigmoid(x @ w_i + h @ u_i + b_i)
        f = sigmoid(x @ w_f + h @ u_f + b_f)
        o = sigmoid(x @ w_o + h @ u_o + b_o)
        c = f * c + i * np.tanh(x @ w_c + h @ u_c + b_c)
        h = o * np.tanh(c)
        states.append(h)
    return np.reshape(states, (-1, units))


def gru_by_hand(row, kernel, recurrent, biases):
    units, states = len(recurrent), []
    h = np.zeros(units)
    w_z, w_r, w_n = np.split(kernel, 3, axis=1)
    u_z, u_r, u_n = np.split(recurrent, 3, axis=1)
    (b_z, b_r, b_n), (d_z, d_r, d_n) = (np.split(bias, 3) for bias in biases)
    for x in row:
        z = sigmoid(x @ w_z + b_z + h @ u_z + d_z)
        r = sigmoid(x @ w_r + b_r + h @ u_r + d_r)
        n = np.tanh(x @ w_n + b_n + r * (h @ u_n + d_n))
        h = z * h + (1 - z) * n
        states.append(h)
    return np.reshape(states, (-1, units))


def rnn_by_hand(row, kernel, recurrent, bias):
    states, h = [], np.zeros(len(recurrent))
    for x in row:
        h = np.tanh(x @ kernel + h @ recurrent + bias)
        states.append(h)
    return np.reshape(states, (-1, len(recurrent)))


def recurrent_by_hand(kind, row, numbers, get, spec):
    step = {"lstm": lstm_by_hand, "gru": gru_by_hand, "rnn": rnn_by_hand}[kind]
    for i in range(spec.n_layers):
        forward = step(row, *get(f"{kind}_{i}"))
        ends = [forward]
        if spec.bidirectional:
            ends.append(step(row[::-1], *get(f"{kind}_{i}_backward")))
        row = np.hstack([forward, *(end[::-1] for end in ends[1:])])
    zero = np.zeros(spec.units)
    return row, np.concatenate([end[-1] if len(end) else zero for end in ends])


def dense(x, kernel, bias):
    return x @ kernel + bias


def cnn_by_hand(row, numbers, get, spec):
    def convolve(x, kernel, bias, distance):
        result = np.tile(bias, (len(x), 1))
        for t in range(len(x)):
            for j, weights in enumerate(kernel[::-1]):
                if t - j * distance >= 0:
                    result[t] += x[t - j * distance] @ weights
        return relu(result)

    x = dense(row, *get("input_projection"))
    for i in range(spec.n_layers):
        y = convolve(x, *get(f"convolution_{i}_a"), 2**i)
        x = x + convolve(y, *get(f"convolution_{i}_b"), 2**i)
    return x, last_of(x, spec.units)


def norm(x, scale, shift, epsilon=1e-6):
    middle = x - x.mean(axis=1, keepdims=True)
    return middle / np.sqrt((middle**2).mean(axis=1, keepdims=True) + epsilon) * scale + shift


def transformer_by_hand(row, numbers, get, spec):
    def attention(x, i):
        q, k, v = (dense(x, *get(f"{name}_{i}")) for name in ("query", "key", "value"))
        heads = spec.option("n_heads")
        size, result = q.shape[1] // heads, np.zeros_like(v)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for t in range(len(x)):
                seen = range(len(x) if spec.bidirectional else t + 1)
                scores = [
                    q[t, part] @ k[s, part] / np.sqrt(size)
                    - 2 ** (-8 * (head + 1) / heads) * abs(t - s)
                    for s in seen
                ]
                weights = np.exp(scores) / np.exp(scores).sum()
                result[t, part] = sum(w * v[s, part] for w, s in zip(weights, seen, strict=True))
        return dense(result, *get(f"attention_output_{i}"))

    frequency, phase = get("time2vec")
    x = dense(np.hstack([row, np.sin(numbers @ frequency + phase)]), *get("input_projection"))
    half = -(-spec.units // 2)
    for t in range(len(x)):
        angles = [t / 10_000 ** (2 * j / spec.units) for j in range(half)]
        x[t] += np.concatenate([np.sin(angles), np.cos(angles)])[: spec.units]
    for i in range(spec.n_layers):
        x = x + attention(norm(x, *get(f"norm_{i}_a")), i)
        hidden = relu(dense(norm(x, *get(f"norm_{i}_b")), *get(f"feed_forward_{i}")))
        x = x + dense(hidden, *get(f"feed_forward_output_{i}"))
    x = norm(x, *get("norm"))
    return x, last_of(x, spec.units)


def softmax_attention(query, source, i, get, spec):
    """Vaswani et al. (2017), event by event and head by head."""
    q = dense(query, *get(f"query_{i}"))
    k, v = (dense(source, *get(f"{name}_{i}")) for name in ("key", "value"))
    heads = spec.option("n_heads")
    size, result = q.shape[1] // heads, np.zeros_like(v)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for t in range(len(q)):
            weights = np.exp([q[t, part] @ k[s, part] / np.sqrt(size) for s in range(t + 1)])
            result[t, part] = weights @ v[: t + 1, part] / weights.sum()
    output = get(f"attention_output_{i}")
    return dense(result, *output) if output else result


def with_positions(row, get, spec):
    x, vectors = dense(row, *get("input_projection")), get("positions")[0]
    for t in range(len(x)):
        x[t] += vectors[min(t, spec.option("max_positions") - 1)]
    return x


def sasrec_by_hand(row, numbers, get, spec):
    x = with_positions(row, get, spec)
    for i in range(spec.n_layers):
        y = norm(x, *get(f"norm_{i}_a"))
        x = y + softmax_attention(y, x, i, get, spec)
        y = norm(x, *get(f"norm_{i}_b"))
        hidden = relu(dense(y, *get(f"feed_forward_{i}")))
        x = y + dense(hidden, *get(f"feed_forward_output_{i}"))
    x = norm(x, *get("norm"))
    return x, last_of(x, spec.units)


def silu(x):
    return x * sigmoid(x)


def esasrec_by_hand(row, numbers, get, spec):
    x = with_positions(row, get, spec)
    for i in range(spec.n_layers):
        y = norm(x, *get(f"norm_{i}_a"))
        gate = sigmoid(dense(x, *get(f"attention_gate_{i}")))
        x = x + gate * softmax_attention(y, y, i, get, spec)
        y = norm(x, *get(f"norm_{i}_b"))
        (w,), (v,), (u,) = (get(f"swiglu_{name}_{i}") for name in ("gate", "value", "output"))
        gate = sigmoid(dense(x, *get(f"feed_forward_gate_{i}")))
        x = x + gate * ((silu(y @ w) * (y @ v)) @ u)
    return x, last_of(x, spec.units)


def biases_by_hand(numbers, i, get, spec):
    """Of each pair of events: that of their distance, and that of the time between them."""
    by_distance, *by_time = get(f"bias_{i}")
    n, most = len(numbers), spec.option("max_positions")
    biases = np.array(
        [[by_distance[min(abs(t - s), most - 1)] for s in range(n)] for t in range(n)]
    )
    if not by_time:
        return biases.reshape(n, n)
    (center, half_width), knots = get("gaps")[0], by_time[0]
    gaps = np.expm1(np.maximum(center + half_width * np.sinh(numbers[:, spec.gap]), 0))
    for t in range(n):
        for s in range(t + 1):
            doublings = np.log2(1 + gaps[s + 1 : t + 1].sum())
            biases[t, s] += np.interp(doublings, np.arange(len(knots)), knots)
    return biases.reshape(n, n)


def hstu_by_hand(row, numbers, get, spec):
    x, heads = dense(row, *get("input_projection")), spec.option("n_heads")
    for i in range(spec.n_layers):
        y = norm(x, *get(f"norm_{i}_a"))
        u, v, q, k = (
            silu(dense(y, *get(f"{name}_{i}"))) for name in ("gate", "value", "query", "key")
        )
        biases = biases_by_hand(numbers, i, get, spec)
        size, result = q.shape[1] // heads, np.zeros_like(v)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for t in range(len(x)):
                scores = [q[t, part] @ k[s, part] + biases[t, s] for s in range(t + 1)]
                result[t, part] = silu(np.array(scores)) @ v[: t + 1, part] / (t + 1)
        x = x + dense(norm(result, *get(f"norm_{i}_b"), 1e-3) * u, *get(f"attention_output_{i}"))
    x = norm(x, *get("norm"))
    return x, last_of(x, spec.units)


def bag_by_hand(row, numbers, get, spec):
    means = [row[: t + 1].mean(axis=0) for t in range(len(row))]
    x = relu(dense(np.reshape(means, row.shape), *get("bag")))
    return x, last_of(x, spec.units)


def last_of(x, units):
    return x[-1] if len(x) else np.zeros(units)


@pytest.mark.parametrize(("kind", "change"), VARIANTS)
def test_vectors_are_those_of_the_equations(kind, change, rng):
    spec = make_spec(kind, **change)
    model, weights = reader(spec, rng)
    batch = make_batch(rng, [5, 0, 9, 1])
    embedded, events, last = (np.asarray(part) for part in model(batch))

    def get(layer):
        return [weight for path, weight in weights.items() if path.startswith(f"{layer}/")]

    by_hand = {"cnn": cnn_by_hand, "transformer": transformer_by_hand, "bag": bag_by_hand}
    by_hand |= {"sasrec": sasrec_by_hand, "esasrec": esasrec_by_hand, "hstu": hstu_by_hand}
    for i, n in enumerate(batch["lengths"]):
        row = embedded[i, :n].astype(np.float64), batch["numbers"][i, :n]
        if kind in RECURRENT:
            expected = recurrent_by_hand(kind, *row, get, spec)
        else:
            expected = by_hand[kind](*row, get, spec)
        np.testing.assert_allclose(events[i, :n], expected[0], atol=1e-5)
        np.testing.assert_allclose(last[i], expected[1], atol=1e-5)


def test_every_network_has_its_equations():
    from skbseq.networks import NETWORKS

    assert {kind for kind, _ in VARIANTS} == set(NETWORKS)


# ---------------------------------------------------------------- the worked example

# One unit reads the numbers 1 and 2. Input, forget gate, new cell, output gate, in this order.
KERNEL, STATE_KERNEL, BIAS = [0.5, 0.3, 1.0, 0.2], [0.4, 0.1, 0.5, 0.6], [0.0, 1.0, 0.0, 0.0]
# Worked out on paper to four places:
# x = 1: i = s(0.5)    = 0.6225, f = s(1.3)    = 0.7858, g = tanh(1)      = 0.7616,
#        o = s(0.2)    = 0.5498, c = i g       = 0.4741, h = o tanh(c)    = 0.2427
# x = 2: i = s(1.0971) = 0.7497, f = s(1.6243) = 0.8354, g = tanh(2.1214) = 0.9717,
#        o = s(0.5456) = 0.6331, c = f 0.4741 + i g = 1.1245, h = o tanh(c) = 0.5123
CELLS, STATES = [0.4741, 1.1245], [0.2427, 0.5123]


def test_the_worked_example_of_the_lstm():
    import keras

    weights = [np.array([KERNEL]), np.array([STATE_KERNEL]), np.array(BIAS)]
    by_hand = lstm_by_hand(np.array([[1.0], [2.0]]), *weights)
    np.testing.assert_allclose(by_hand[:, 0], STATES, atol=5e-5)
    spec = make_spec("lstm", vocabulary_sizes=(), embedding_dims=(), n_numbers=1, units=1)
    model, _ = reader(spec, np.random.default_rng(0))
    model.set_weights(weights)
    batch = make_batch(np.random.default_rng(0), [2])
    batch |= {"codes": batch["codes"][:, :, :0], "numbers": np.array([[[1.0], [2.0]]], "float32")}
    _, events, last = model(batch)
    np.testing.assert_allclose(np.ravel(events), STATES, atol=5e-5)
    np.testing.assert_allclose(last, [STATES[1:]], atol=5e-5)
    layer = keras.layers.LSTM(1, return_state=True)
    layer(batch["numbers"])
    layer.set_weights(weights)
    np.testing.assert_allclose(np.ravel(layer(batch["numbers"])[2]), CELLS[1:], atol=5e-5)


def test_the_guide_shows_the_same_example():
    page = Path(__file__).parents[1] / "docs" / "user_guide" / "networks.rst"
    text = page.read_text(encoding="utf-8")
    for numbers in KERNEL, STATE_KERNEL, BIAS:
        assert str(numbers) in text
    for number in CELLS + STATES:
        assert f"{number:.4f}" in text


# ---------------------------------------------------------------- promises

# Normalised over four numbers, three layers make 1e-5 of a rounding error of 1e-7.
ROUNDING = 1e-4
LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=4)
ALL = [(kind, False) for kind in KINDS] + [(kind, True) for kind in [*RECURRENT, "transformer"]]


@pytest.fixture(scope="module")
def models():
    """A reader of each kind, one and both ways; three layers, so that convolutions look far."""
    rng = np.random.default_rng(1)
    specs = {which: make_spec(which[0], n_layers=3, bidirectional=which[1]) for which in ALL}
    return {which: traced(reader(spec, rng)[0]) for which, spec in specs.items()}


def traced(model):
    """A model as one graph for batches of all sizes: much faster than layer by layer."""
    import tensorflow as tf

    shapes = {name: (None, *x.shape[1:]) for name, x in model.input.items()}
    kinds = {name: "int32" if name in ("codes", "lengths") else "float32" for name in shapes}
    signature = {name: tf.TensorSpec(shapes[name], kinds[name]) for name in shapes}
    return tf.function(model, input_signature=[signature])


@pytest.mark.parametrize("which", ALL)
@settings(max_examples=10, deadline=None)
@given(lengths=LENGTHS, more=st.integers(1, 9), seed=st.integers(0, 1000))
def test_padding_is_never_seen(models, which, lengths, more, seed):
    rng = np.random.default_rng(seed)
    batch = make_batch(rng, lengths)
    longer = make_batch(rng, lengths, batch["codes"].shape[1] + more)
    for name in "codes", "numbers":
        for i, n in enumerate(lengths):
            longer[name][i, :n] = batch[name][i, :n]
    (_, events, last), (_, same, same_last) = models[which](batch), models[which](longer)
    np.testing.assert_allclose(last, same_last, atol=ROUNDING)
    for i, n in enumerate(lengths):
        np.testing.assert_allclose(events[i, :n], same[i, :n], atol=ROUNDING)


@pytest.mark.parametrize("which", ALL)
@settings(max_examples=10, deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_the_company_and_the_order_of_rows_do_not_matter(models, which, lengths, seed):
    rng = np.random.default_rng(seed)
    batch, order = make_batch(rng, lengths), rng.permutation(len(lengths))
    last = np.asarray(models[which](batch)[2])
    mixed = models[which]({name: values[order] for name, values in batch.items()})[2]
    np.testing.assert_allclose(mixed, last[order], atol=ROUNDING)
    for i in range(len(lengths)):
        alone = models[which]({name: values[i : i + 1] for name, values in batch.items()})[2]
        np.testing.assert_allclose(alone, last[i : i + 1], atol=ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 1000), data=st.data())
def test_no_vector_sees_a_later_event(models, kind, n, seed, data):
    at = data.draw(st.integers(1, n - 1))
    rng = np.random.default_rng(seed)
    batch = make_batch(rng, [n, n])
    changed = {name: values.copy() for name, values in batch.items()}
    changed["codes"][:, at] = (changed["codes"][:, at] + 1) % 6
    changed["numbers"][:, at] += 10
    model = models[kind, False]
    events, other = np.asarray(model(batch)[1]), np.asarray(model(changed)[1])
    np.testing.assert_allclose(events[:, :at], other[:, :at], atol=1e-6)
    assert (events[:, at] != other[:, at]).any()


@pytest.mark.parametrize("kind", [kind for kind, both in ALL if both])
def test_both_ways_the_first_vector_sees_the_last_event(models, kind, rng):
    batch = make_batch(rng, [3])
    changed = {**batch, "numbers": batch["numbers"] + np.float32([[[0], [0], [10]]])}
    model = models[kind, True]
    assert (np.asarray(model(batch)[1])[:, 0] != np.asarray(model(changed)[1])[:, 0]).any()


def test_the_bag_alone_is_blind_to_order(models, rng):
    batch = make_batch(rng, [6])
    mirrored = {**batch, **{name: batch[name][:, ::-1] for name in ("codes", "numbers")}}
    for (kind, _), model in models.items():
        same = np.allclose(model(batch)[2], model(mirrored)[2], atol=ROUNDING)
        assert same == (kind == "bag"), kind


def test_the_reach_of_the_cnn_is_as_documented(rng):
    spec = make_spec("cnn", n_layers=2)
    model, _ = reader(spec, rng)
    reach = 1 + 2 * (3 - 1) * (2**2 - 1)
    batch = make_batch(rng, [20])
    last = np.asarray(model(batch)[2])
    for back, seen in ((reach - 1, True), (reach, False)):
        changed = {**batch, "numbers": batch["numbers"].copy()}
        changed["numbers"][0, 19 - back] += 100
        assert (np.asarray(model(changed)[2]) != last).any() == seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_near_the_whole(kind, policy):
    from skbseq.networks._graph import build_network, initial_weights

    spec = make_spec(kind, n_layers=2, pooling="attention")
    models = [build_network(spec), build_network(replace(spec, policy=policy))]
    batch = make_batch(np.random.default_rng(0), [40, 7, 0])
    for model in models:
        model.set_weights(initial_weights(model, np.random.default_rng(1)))
    whole, half = (np.asarray(model(batch)) for model in models)
    np.testing.assert_allclose(half, whole, atol=0.05)
    assert half.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_survives_a_file(kind, tmp_path, rng):
    import keras

    from skbseq.networks._graph import build_network

    spec = make_spec(kind, pooling="attention", bidirectional=kind != "cnn", dropout=0.1)
    model, batch = build_network(spec), make_batch(rng, [4, 2])
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(batch), model(batch))


# ---------------------------------------------------------------- initial weights


def test_kernels_begin_as_keras_draws_them():
    import keras

    from skbseq.networks._graph import build_network, initial_weights

    for kind in "cnn", "transformer":
        model = build_network(make_spec(kind, units=32, n_layers=2))
        for weight, value in zip(
            model.weights, initial_weights(model, np.random.default_rng(0)), strict=True
        ):
            if not weight.path.endswith("kernel"):
                continue
            expected = np.std(keras.initializers.GlorotUniform(0)(weight.shape))
            assert abs(value.std() / expected - 1) < 0.2, weight.path


def test_an_unknown_weight_is_named():
    import keras

    from skbseq.networks._graph import initial_weights

    layer = keras.layers.PReLU(name="strange")
    model = keras.Sequential([keras.Input((3,)), layer])
    with pytest.raises(ValueError, match=r"No initial value is known .*strange/alpha"):
        initial_weights(model, np.random.default_rng(0))


# ---------------------------------------------------------------- pooling


@pytest.mark.parametrize("kind", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_pooling_is_over_real_steps(kind, scale, rng):
    from skbseq.networks._graph._layers import PoolSteps

    x = (scale * (rng.normal(size=(4, 5, 3)) - 4)).astype("float32")  # the largest is below zero
    scores = rng.normal(size=(4, 5, 1)).astype("float32")
    x[0, 3:], scores[0, 3:] = 7 * scale, 50.0
    lengths = np.array([3, 5, 0, 1], "int32")
    pooled = np.asarray(PoolSteps(kind)(x, lengths, scores))
    for row, n in enumerate(lengths):
        real = x[row, :n].astype(np.float64)
        weights = np.exp(scores[row, :n]) / np.exp(scores[row, :n]).sum()
        expected = {
            "last": lambda: real[-1],  # noqa: B023
            "mean": lambda: real.mean(axis=0),  # noqa: B023
            "max": lambda: real.max(axis=0),  # noqa: B023
            "attention": lambda: (weights * real).sum(axis=0),  # noqa: B023
        }
        wanted = expected[kind]() if n else np.zeros(3)
        np.testing.assert_allclose(pooled[row], wanted, rtol=1e-5)


@pytest.mark.parametrize("kind", ["last", "mean", "max", "attention"])
def test_gradients_of_pooling_are_finite_and_of_real_steps(kind, rng):
    import tensorflow as tf

    from skbseq.networks._graph._layers import PoolSteps

    x, scores = (tf.constant(rng.normal(size=(2, 4, n)).astype("float32")) for n in (3, 1))
    lengths = tf.constant([2, 0])
    with tf.GradientTape() as tape:
        tape.watch([x, scores])
        total = tf.reduce_sum(PoolSteps(kind)(x, lengths, scores) ** 2)
    of_x, of_scores = tape.gradient(total, [x, scores], unconnected_gradients="zero")
    for gradient in of_x, of_scores:
        assert np.isfinite(gradient).all()
        assert not np.any(gradient[0, 2:]) and not np.any(gradient[1])
    assert np.any(of_x[0])


def test_attention_is_bahdanaus(rng):
    from skbseq.networks._graph import build_network

    spec = make_spec("gru", pooling="attention", n_context=0)
    model, weights = reader(spec, rng)
    whole = build_network(spec)
    values = {w.path: np.asarray(w.value) + 0.1 for w in whole.weights} | weights
    whole.set_weights([values[w.path] for w in whole.weights])
    batch = make_batch(rng, [6]) | {"context": np.zeros((1, 0), "float32")}
    states = np.asarray(model(batch)[1])[0]
    hidden = np.tanh(
        dense(states, values["attention_hidden/kernel"], values["attention_hidden/bias"])
    )
    scores = hidden @ values["attention_score/kernel"]
    pooled = (np.exp(scores) / np.exp(scores).sum() * states).sum(axis=0)
    expected = dense(pooled, values["logits/kernel"], values["logits/bias"])
    np.testing.assert_allclose(np.asarray(whole(batch))[0], expected, atol=1e-5)


# ---------------------------------------------------------------- dropout of embeddings


def test_embeddings_of_whole_events_are_dropped_channel_by_channel(rng):
    import keras

    from skbseq.networks._graph._build import embed_events, sequence_inputs

    spec = make_spec("bag", embedding_dropout=0.25)
    inputs = sequence_inputs(spec)
    model = keras.Model(inputs, embed_events(inputs, spec))
    batch = make_batch(rng, [50] * 40)
    plain, noisy = np.asarray(model(batch)), np.asarray(model(batch, training=True))
    np.testing.assert_array_equal(noisy[:, :, 5:], batch["numbers"])
    kept = noisy / np.where(plain == 0, 1, plain)
    first, second = kept[:, :, :3], kept[:, :, 3:5]
    for channel in first, second:
        np.testing.assert_allclose(
            channel, channel[:, :, :1] * np.ones(channel.shape[2]), rtol=1e-5
        )
        np.testing.assert_allclose(np.unique(channel.round(5)), [0, (4 / 3)], rtol=1e-4)
        assert abs((channel == 0).mean() - 0.25) < 0.04
    both = ((first[:, :, 0] == 0) & (second[:, :, 0] == 0)).mean()
    assert abs(both - 0.0625) < 0.03
