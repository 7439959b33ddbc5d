"""Traced functions, called without what TensorFlow does at each call to match their arguments."""

import os

import tensorflow as tf


def way_of_steps():
    """How steps run: "compiled", which is traced, and by XLA where they are written out.

    It is so unless the suite says "traced", where no graph is compiled or optimised, or "eager".
    That is for tests which are not about the programs: to make an architecture's takes seconds,
    and such a test takes a few steps. It is a variable of the environment, for processes that a
    test starts are to do the same.
    """
    return os.environ.get("_SKBSEQ_STEPS_IN_TESTS", "compiled")


def traced(function, *, by_xla=False, **options):
    """A function as TensorFlow traces it, by XLA where asked to, unless steps run another way."""
    way = way_of_steps()
    if way == "eager":
        return function
    if way == "traced":
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        by_xla = False
    return tf.function(function, jit_compile=by_xla or None, autograph=False, **options)


def without_matching(traced):
    """What calls a concrete function with tensors just as they are, end to end.

    To match arguments with the signature anew takes TensorFlow a third of a call of one row of
    the compiled LSTM. A GRU's row takes 4.2 in the place of 5.9 ms, its step of 32 rows 5.6 in
    the place of 6.9.

    Parameters
    ----------
    traced : tf.types.experimental.ConcreteFunction
        Of one result.

    Returns
    -------
    callable
        Gets a tensor for each leaf of the signature, in the order of ``tf.nest.flatten``.
    """
    # It is not of the interface that TensorFlow promises to keep.
    call = getattr(getattr(traced, "inference_fn", None), "call_flat", None)
    if call is None:
        signature = traced.structured_input_signature[0]
        return lambda *tensors: traced(*tf.nest.pack_sequence_as(signature, tensors))
    captured = traced.captured_inputs
    return lambda *tensors: call(*tensors, *captured)[0]


class TracedStep:
    """A function of one result, traced at its first call, for arrays of a signature.

    Parameters
    ----------
    function : callable
    signature : list of nests of tf.TensorSpec
    """

    def __init__(self, function, signature):
        self._traced = traced(function, input_signature=signature)
        self._types = [spec.dtype for spec in tf.nest.flatten(signature)]
        self._call, self._untraced = None, self._traced is function

    def __call__(self, *arguments):
        """The result for arrays that are nested as the signature is."""
        leaves = zip(tf.nest.flatten(arguments), self._types, strict=True)
        tensors = [tf.constant(leaf, dtype) for leaf, dtype in leaves]
        if self._untraced:
            return self._traced(*tf.nest.pack_sequence_as(arguments, tensors))
        if self._call is None:
            self._call = without_matching(self._traced.get_concrete_function())
        return self._call(*tensors)
