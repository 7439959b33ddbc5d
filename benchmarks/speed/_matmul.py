"""The rate of matrix products that this machine reaches, against which the rest is held."""

import time


def matmul(size):
    """FLOP/s of TensorFlow's product of 1024 x 1024 float32 numbers, the median of 50."""
    import numpy as np
    import tensorflow as tf

    n = 1024
    a = tf.random.stateless_normal((n, n), (0, 1))

    def run():
        marks = [time.perf_counter()]
        for _ in range(50):
            tf.linalg.matmul(a, a)
            marks.append(time.perf_counter())
        return 2 * n**3 / float(np.median(np.diff(marks)))

    run()
    return run
