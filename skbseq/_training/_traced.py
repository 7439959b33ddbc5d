"""Traced functions, called without TensorFlow's matching of arguments at each call."""

import os

import tensorflow as tf

# The test suite sets this variable of the environment to "traced" or "eager" for tests that are
# not about compiled programs. XLA takes 3 s to compile an LSTM, and TensorFlow 1 to 5 s to trace a
# network, while such a test takes a few steps. Processes that a test starts inherit it. The traces
# are not optimised either, which would take longer than to run them.
_STEPS = "_SKBSEQ_STEPS_IN_TESTS"


def way_of_steps():
    """How steps run: "compiled", as for users; "traced", without XLA; or "eager"."""
    return os.environ.get(_STEPS, "compiled")


def make_traced(function, *, by_xla=False, input_signature=None):
    """A function as TensorFlow traces it, compiled by XLA if asked to.

    Parameters
    ----------
    function : callable
    by_xla : bool, default=False
    input_signature : list of nests of tf.TensorSpec, default=None

    Returns
    -------
    callable
        The function itself where steps run eagerly.
    """
    way = way_of_steps()
    if _STEPS in os.environ:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": way != "compiled"})
    if way == "eager":
        return function
    return tf.function(
        function,
        input_signature=input_signature,
        jit_compile=True if by_xla and way == "compiled" else None,
        autograph=False,
    )


def without_matching(traced):
    """A callable that passes tensors to a concrete function without matching the signature.

    TensorFlow matches the arguments with the signature at each call. For one row of the compiled
    LSTM this is a third of the time. Without it, one row of a GRU takes 4.2 instead of 5.9 ms, and
    its training step of 32 rows 5.6 instead of 6.9 ms.

    Parameters
    ----------
    traced : tf.types.experimental.ConcreteFunction
        With one result.

    Returns
    -------
    callable
        Takes one tensor for each leaf of the signature, in the order of ``tf.nest.flatten``.
    """
    # `call_flat` is not a public API of TensorFlow, so a version without it must work too.
    call = getattr(getattr(traced, "inference_fn", None), "call_flat", None)
    if call is None:
        signature = traced.structured_input_signature[0]
        return lambda *tensors: traced(*tf.nest.pack_sequence_as(signature, tensors))
    captured = traced.captured_inputs  # the variables, which `call_flat` takes as arguments
    return lambda *tensors: call(*tensors, *captured)[0]


class TracedStep:
    """A function with one result that is traced at its first call, for one signature.

    Parameters
    ----------
    function : callable
    signature : list of nests of tf.TensorSpec
    """

    def __init__(self, function, signature):
        self._function = function
        self._traced = make_traced(function, input_signature=signature)
        self._types = [spec.dtype for spec in tf.nest.flatten(signature)]
        self._call = None

    def __call__(self, *arguments):
        """The result for arrays that have the structure of the signature."""
        if self._call is None:
            self._call = self._make_call(arguments)
        leaves = zip(tf.nest.flatten(arguments), self._types, strict=True)
        return self._call(*(tf.constant(leaf, dtype) for leaf, dtype in leaves))

    def _make_call(self, arguments):
        if self._traced is self._function:  # steps run eagerly
            return lambda *tensors: self._function(*tf.nest.pack_sequence_as(arguments, tensors))
        return without_matching(self._traced.get_concrete_function())
