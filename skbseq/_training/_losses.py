"""Losses of samples."""

import keras
import tensorflow as tf


def cross_entropy(targets, logits):
    """Cross-entropy of each sample: logistic for one logit, softmax for several."""
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(targets, tf.int32), logits)


def keras_loss(model):
    """The same loss as Keras knows it, for callbacks that look at the model."""
    if model.output.shape[1] == 1:
        return keras.losses.BinaryCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
