"""An epoch on the lengths of a real log: sessions of 2 to 200 page views at msnbc.com.

A case is a fit of some epochs, and the figure its time per epoch, with everything that a fit does
again: for skbseq the reading of the frame and new weights. Compiling is warmed up before. Keras
pads to 200 with a mask, which makes it the same model; a second case of it pads in front, without
a mask, which is faster and not the same model: it reads the padding.

What bounds the share of the matmul rate, on two cores with AVX2 and no more: a step's products run
at 53 to 66 GFLOP/s inside the program, one thread each, where 1024 x 1024 numbers run at 80 on one
core and 100 to 140 on two. YNNPACK and Eigen (TensorFlow 2.21) take such a product for too small
to share among threads, so a step is as fast as its products and kernels run beside each other. By
a trace of the program (tf.profiler, host_tracer_level=3) they take two thirds of the threads' time
in a step, and 40 small kernels the rest: six copies into buffers, the joining of the gates'
gradients, two copies of what a loop hands on. Of the 9% of padding 8 are the one batch of the
longest sessions. What was tried, each beside the steps as they then were:

- A product for each gate in the place of one for all four: XLA runs them at the same time, and the
  gates behind them too. 10 to 18% of a step less with 128 rows, 7% with 32 by 32 numbers. Kept
  in training from 1,024 numbers. Not in predictions, where with a few rows it took up to twice as
  long, and the last digits would depend on how many rows there are.
- The same backwards, a product or two for each gate: 5 to 20% more. There two products run at the
  same time already.
- The buffers of the backward pass in variables that stay from call to call. Filling 39 MB with
  zeros took 20 of the 23 ms of a call, three or four calls an epoch: 7% less, and 20 ms for each
  batch where a callback watches them. Kept.
- The four gates kept apart, and the gradient of what lies below left in one piece: no joining and
  no cutting, 4 to 5% of a step less. Kept.
- The weights' gradient as a product of matrices that lie as they are multiplied: it goes to
  YNNPACK and runs beside the product before it, 3 to 7% less. Kept.
- Windows of 200 batches in the place of 50 for batches of like length: padding 9% in the place
  of 28. Kept. A tenth of noise or none in the lengths that are sorted: 10 or 9%.
- Both halves of a batch in one loop's body, which XLA then runs at the same time: 12% less in a
  loop of bare steps, for twice the kernels to compile. Not kept: the first fit counts too.
- Both halves of a batch at the same time, each a compiled call within a loop of TensorFlow,
  buffers in variables, the optimizer's step a third call: a step takes 0.195 ms in the place of
  0.28, a batch 0.5 to 0.75 ms more for three calls and the threads' waking (7 us for each output
  and each variable that a call sets). With 7.5 steps in a batch 0 to 13% in all, and not kept.
  It would pay for longer histories, or with the optimizer's variables end to end in one.
- Two or four parts of a batch in loops of their own within one program: run one after another,
  whatever xla_cpu_enable_concurrency_optimized_scheduler says.
- The weights' gradient after the loop, in one product for eight steps each: 98 GFLOP/s on two
  threads, but slices and masks of what was kept cost more: 0.43 ms a step in the place of 0.28.
- Products of 96 to 128 numbers in the place of 80, for Eigen to share them: it does not.
- XLA's older emitters (xla_cpu_use_fusion_emitters=false): compiled in 2.4 s in the place of 3.0,
  and an epoch takes 20% longer. Not kept.
- Factors of the derivatives or the cell's tanh kept in the place of the gates; the kernel
  transposed before the loop; inputs and states multiplied apart: within the noise, or slower.
- The input's share of the gates gathered from the embedding times its kernel, and its gradient
  scattered there: 7% more. As a product with the codes one-hot 8% less for 19 codes, and more the
  more codes there are. Not kept.
- The bias's gradient as a product; updates of slices without their check of bounds; the scatter
  into a small embedding as a product; the last state picked from what was kept: within the noise.
"""

import time
from functools import partial

from benchmarks.speed import _data
from benchmarks.speed._matmul import matmul
from benchmarks.speed._runs import Check, Question

BATCH, UNITS = 128, 64


def _make_data(size):
    return _data.msnbc_sequences(size["data"], size["n"])


def _per_epoch(fit, n_epochs):
    """Seconds per epoch of a function that fits."""

    def run():
        begin = time.perf_counter()
        fit()
        return (time.perf_counter() - begin) / n_epochs

    run()
    return run


def _skbseq(size):
    from benchmarks.speed import _ours

    data = _make_data(size)
    X = _ours.frame(data)
    model = _ours.classifier(units=UNITS, epochs=size["epochs"], batch_size=BATCH)
    return _per_epoch(lambda: model.fit(X, data.labels), size["epochs"])


def _keras_fit(model, X, y, n_epochs):
    return _per_epoch(
        lambda: model.fit(X, y, batch_size=BATCH, epochs=n_epochs, verbose=0), n_epochs
    )


def _keras_padded(size):
    from benchmarks.speed import _keras_peers

    data = _make_data(size)
    model = _keras_peers.compiled(data.n_codes, UNITS, mask=True)
    return _keras_fit(model, _data.padded(data), data.labels, 1)


def _keras_unmasked(size):
    from benchmarks.speed import _keras_peers

    data = _make_data(size)
    model = _keras_peers.compiled(data.n_codes, UNITS)
    return _keras_fit(model, _data.padded(data, left=True), data.labels, 1)


def _keras_bucketed(size):
    from benchmarks.speed import _keras_peers

    data = _make_data(size)
    model = _keras_peers.compiled(data.n_codes, UNITS, mask=True)
    buckets = _keras_peers.Buckets(data, BATCH)
    n = size["epochs"]
    return _per_epoch(lambda: model.fit(buckets, epochs=n, verbose=0), n)


def _torch_bucketed(size):
    from benchmarks.speed import _torch_peers

    training = _torch_peers.BucketedTraining(_make_data(size), UNITS, BATCH)
    return _per_epoch(lambda: [training.epoch() for _ in range(size["epochs"])], size["epochs"])


def _our_layers(prefix, size):
    import skbseq
    from benchmarks.speed import _ours

    data = _make_data(size)
    X = _ours.frame(data)
    model = getattr(skbseq, f"{prefix}BehaviorClassifier")(
        units=UNITS,
        embedding_dim=16,
        epochs=size["epochs"],
        batch_size=BATCH,
        validation_split=0,
        random_state=0,
    )
    return _per_epoch(lambda: model.fit(X, data.labels), size["epochs"])


def _torch_layers(prefix, size):
    from benchmarks.speed import _torch_peers

    network = getattr(_torch_peers, f"{prefix}Network")
    training = _torch_peers.BucketedTraining(_make_data(size), UNITS, BATCH, network)
    n = size["epochs"]
    return _per_epoch(lambda: [training.epoch() for _ in range(n)], n)


def _flops(size):
    return _data.flops(len(_make_data(size).codes), UNITS, training=True)


_CASES = {
    "skbseq": _skbseq,
    "PyTorch, bucketed by hand": _torch_bucketed,
    "Keras, bucketed by hand": _keras_bucketed,
    "Keras padded": _keras_padded,
    "Keras padded in front, no mask": _keras_unmasked,
}

_LAYERS = ("GRU", "Transformer")

QUESTIONS = {
    "epoch_layers": Question(
        title="An epoch of 12,800 sessions of msnbc.com, 64 units, batch 128: GRU, transformer",
        cases={f"skbseq {prefix}": partial(_our_layers, prefix) for prefix in _LAYERS}
        | {
            f"PyTorch {prefix}, bucketed by hand": partial(_torch_layers, prefix)
            for prefix in _LAYERS
        },
        checks=[
            Check(
                f"{prefix}: speed against PyTorch bucketed by hand",
                (f"skbseq {prefix}", f"PyTorch {prefix}, bucketed by hand"),
                lambda f, prefix=prefix: (
                    f[f"PyTorch {prefix}, bucketed by hand"] / f[f"skbseq {prefix}"]
                ),
                1.0,
                1.5,
            )
            for prefix in _LAYERS
        ],
        full={"n": 12_800, "epochs": 3},
        quick={"n": 640, "epochs": 1},
    ),
    "epoch_real": Question(
        title="An epoch on real lengths, 25,600 sessions of msnbc.com, 64 units, batch 128",
        cases=_CASES | {"matmul": matmul},
        checks=[
            Check(
                "times as fast as Keras padded",
                ("skbseq", "Keras padded"),
                lambda f: f["Keras padded"] / f["skbseq"],
                5,
                10,
            ),
            Check(
                "times as fast as Keras padded in front, no mask",
                ("skbseq", "Keras padded in front, no mask"),
                lambda f: f["Keras padded in front, no mask"] / f["skbseq"],
            ),
            Check(
                "times as fast as Keras bucketed by hand",
                ("skbseq", "Keras, bucketed by hand"),
                lambda f: f["Keras, bucketed by hand"] / f["skbseq"],
            ),
            Check(
                "speed against PyTorch bucketed by hand",
                ("skbseq", "PyTorch, bucketed by hand"),
                lambda f: f["PyTorch, bucketed by hand"] / f["skbseq"],
                0.6,
                1.0,
            ),
            Check(
                "share of the matmul rate, real events only",
                ("skbseq", "matmul"),
                lambda f: f["share of skbseq"],
                0.35,
                0.60,
            ),
        ],
        full={"n": 25_600, "epochs": 5},
        quick={"n": 1_280, "epochs": 1},
        flops=dict.fromkeys(_CASES, _flops),
    ),
}
