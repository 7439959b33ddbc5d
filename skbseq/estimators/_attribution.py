"""Contributions of events by the gradients of a network, for each kind of estimator."""

from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq.estimators._base import BaseBehaviorEstimator
from skbseq.estimators._next_predictor import NextBehaviorPredictor
from skbseq.estimators._sequence_model import engine
from skbseq.networks import find_network

_LINKS = {"poisson": "exp", "squared_log_error": "expm1"}


def has_gradients(estimator):
    """Whether an estimator is a classifier, regressor or predictor with a network."""
    return isinstance(estimator, (BaseBehaviorEstimator, NextBehaviorPredictor))


def reads_codes_itself(estimator):
    """Whether the network is a user's function that asks for all inputs, codes among them."""
    network = find_network(estimator.network)
    return network.is_function and network.wants("inputs")


def counts_of_mixture(estimator):
    """Weights of the counting models that are mixed with the network; empty if there are none."""
    weights = getattr(estimator, "mixture_weights_", {})
    return {name: weight for name, weight in weights.items() if name != "network" and weight > 0}


def gradients_of_events(estimator, X, background, places):
    """Integrated gradients of the answers of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        One for which `has_gradients`.
    X, background : frame
        What the estimator takes: histories to explain, and those that give the mean event.
    places : ndarray of int of shape (n_samples,)
        Place of each row's target in ``classes_``, or column of the numbers.

    Returns
    -------
    contributions : ndarray of float64 of shape (n_events, n_channels)
    baselines : ndarray of float64 of shape (n_samples,)
    errors : ndarray of float64 of shape (n_samples,)
    names : list of str
        Channels that the network reads, as the encoder calls them.
    lengths : ndarray of int64 of shape (n_samples,)
        Number of events of each history that the network reads.
    """
    check_is_fitted(estimator)
    is_next = isinstance(estimator, NextBehaviorPredictor)
    read = estimator._sequences if is_next else lambda frame: estimator._read(frame, reset=False)
    data, others = read(X), read(background)
    run = engine()
    readout, places = _readout(run, estimator, places)
    model, device = estimator._sequence_model, run.choose_device(estimator.device)
    # Half precision would lose what sums to small differences.
    spec = replace(model.spec, policy="float32")
    found = run.integrated_gradients(
        spec, device.partition(",")[0], model.weights, data, others, places, readout
    )
    return *found, model.schema.channels, data.lengths


def _readout(run, estimator, places):
    """How the network's outputs become answers, and the targets among these."""
    if isinstance(estimator, NextBehaviorPredictor):
        vectors, bias = estimator._code_vectors()
        readout = run.Readout("ids", vectors=vectors, bias=bias)
        offset = vars(estimator).get("_offset")
        if offset is not None:  # scores are the log-odds of the ids, but for an offset
            readout = replace(readout, link="log_sigmoid", bias=bias - np.float32(offset))
        # The vectors are in order of frequency, as the codes are.
        return readout, np.argsort(estimator._by_frequency)[places]
    if hasattr(estimator, "classes_"):
        return run.Readout("labels" if estimator.multilabel_ else "classes"), places
    loss, _ = estimator._loss_fitted
    link = _LINKS.get(loss, "identity")
    if loss == "quantile" and not estimator._one_column:
        link = "sorted"
    scale, center = estimator._scale, estimator._center
    return run.Readout("numbers", link, scale=scale, center=center), places
