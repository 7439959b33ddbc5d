"""Cases in processes of their own, which take turns."""

import importlib.util
import multiprocessing
import os
import subprocess
import sys
import time
import traceback
import warnings
from typing import NamedTuple

import numpy as np


class Check(NamedTuple):
    """A figure taken from the cases of each round, and what it should reach.

    ``figure`` gets a dict of case to array of a figure per round; the cases that it needs are
    ``cases``. A check without bounds is told only.
    """

    says: str
    cases: tuple
    figure: callable
    at_least: float | None = None
    moonshot: float | None = None
    more_is_better: bool = True


class Question(NamedTuple):
    """What is measured.

    ``cases`` maps a name to a function, of the size (a dict), that prepares, warms up and returns
    a function; its seconds are the figure, or the number that it returns. ``flops`` maps cases to
    a function from the size to the operations that real events need.
    """

    title: str
    cases: dict
    checks: list
    full: dict
    quick: dict
    rounds: int = 5
    unit: str = "s"
    flops: dict = {}
    fresh: bool = False
    unit_of: dict = {}


NEEDS = {"skorch": ("skorch", "torch"), "PyTorch": ("torch",), "mlxtend": ("mlxtend",)}


def missing(case):
    """The library that a case needs and that is not installed, or None."""
    for word, libraries in NEEDS.items():
        if word in case:
            for library in libraries:
                if importlib.util.find_spec(library) is None:
                    return library
    return None


def measure(question, size, rounds, report):
    """Figures of each case, an array of one per round.

    Parameters
    ----------
    question : Question
    size : dict
    rounds : int
    report : callable
        Told a line of progress.

    Returns
    -------
    dict of str to ndarray of shape (rounds,)
    """
    cases = {name: make for name, make in question.cases.items() if not missing(name)}
    for name in question.cases.keys() - cases.keys():
        report(f"left out: {name} ({missing(name)} is not installed)")
    if question.fresh:
        runners = {name: _FreshProcess(make, size) for name, make in cases.items()}
    else:
        runners = {name: _Process(name, make, size) for name, make in cases.items()}
    figures = {name: [] for name in cases}
    try:
        for _ in range(rounds):
            for name, runner in runners.items():
                figures[name].append(runner.run())
                report(f"{name}: {figures[name][-1]:.4g}")
    finally:
        for runner in runners.values():
            runner.stop()
    return {name: np.array(values) for name, values in figures.items()}


class _Process:
    """A case prepared in a process, which waits between its turns."""

    def __init__(self, name, make, size):
        context = multiprocessing.get_context("spawn")
        self._name, (self._pipe, theirs) = name, context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, size), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def run(self):
        self._pipe.send("run")
        return self._receive()

    def stop(self):
        self._pipe.close()
        self._process.join()

    def _receive(self):
        try:
            result = self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"The process of {self._name!r} ended.") from None
        if isinstance(result, str):
            raise RuntimeError(f"{self._name!r} failed:\n{result}")
        return result


class _FreshProcess:
    """A case that is a process from its start to its end."""

    def __init__(self, make, size):
        module, name = make.__module__, make.__name__
        code = f"from {module} import {name}\n{name}({size!r})"
        self._command = [sys.executable, "-W", "ignore", "-c", code]

    def run(self):
        begin = time.perf_counter()
        subprocess.run(self._command, check=True)
        return time.perf_counter() - begin

    def stop(self):
        pass


def _serve(pipe, make, size):
    warnings.simplefilter("ignore")
    try:
        run = make(size)
        pipe.send(0.0)
        while pipe.recv() == "run":
            begin = time.perf_counter()
            figure = run()
            seconds = time.perf_counter() - begin
            pipe.send(seconds if figure is None else figure)
    except EOFError:
        pass
    except Exception:
        pipe.send(traceback.format_exc())


def quieten():
    """Environment of the processes: no GPU, no logs."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
