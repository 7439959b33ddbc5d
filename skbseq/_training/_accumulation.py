"""Gradient accumulation: one update of the weights from the gradients of several batches."""


def inner_of(optimizer):
    """The optimizer itself, where one of loss scaling is wrapped around it."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def check_one_device(optimizer, device):
    """Refuse accumulation on several devices, which Keras 3.15 cannot do.

    Raises
    ------
    ValueError
        If the optimizer accumulates.
    """
    n = inner_of(optimizer).gradient_accumulation_steps
    if n:
        raise ValueError(
            f"gradient_accumulation_steps={n} is not possible on several devices, here {device}. "
            f"Use device={device.partition(',')[0]!r}, or leave the parameter out: the devices "
            "share a batch, so each needs memory for its part of batch_size only."
        )


def apply_left_over(optimizer):
    """Update with the mean gradient of the batches since the last update, if there are any.

    Keras' optimizers wait until all of their ``gradient_accumulation_steps`` batches have come.
    What is left at the end of an epoch would join batches of the next one, and be lost after the
    last.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Built.
    """
    optimizer = inner_of(optimizer)
    n = optimizer.gradient_accumulation_steps
    left = int(optimizer._iterations.numpy()) % n if n else 0
    if not left:
        return
    sums = optimizer._accumulated_gradients
    for total in sums:
        # It is added to the last gradient, here of zeros, and the sum is divided by n.
        total.assign(total * (n / left))
    optimizer._iterations.assign_add(n - left - 1)
    variables = optimizer._trainable_variables
    optimizer.apply([0 * total for total in sums], variables)
