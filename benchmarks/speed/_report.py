"""Tables of what was measured, and the same as plain data for JSON."""

import os
import platform
from importlib import metadata

import numpy as np

_LIBRARIES = "scikit-learn numpy pandas pyarrow tensorflow keras scikeras torch skorch".split()


def machine():
    """What the figures were taken on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _LIBRARIES},
    }


def _processor():
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor()


def _version(library):
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def summary(question, figures, size):
    """Plain data of one question: medians and spread of cases, shares of the rate, checks."""
    figures = dict(figures)
    for name, operations in question.flops.items():
        if name in figures and "matmul" in figures:
            share = operations(size) / figures[name] / figures["matmul"]
            figures[f"share of {name}"] = share
    cases = {}
    for name, values in figures.items():
        if not name.startswith("share of "):
            cases[name] = _spread(values)
            if f"share of {name}" in figures:
                cases[name]["share of the matmul rate"] = _spread(figures[f"share of {name}"])
    checks = [
        _check(check, check.figure(figures))
        for check in question.checks
        if all(case in figures for case in check.cases)
    ]
    return {"title": question.title, "size": size, "cases": cases, "checks": checks}


def _spread(values):
    values = np.asarray(values, float)
    return {
        "median": float(np.median(values)),
        "least": float(values.min()),
        "most": float(values.max()),
        "rounds": values.tolist(),
    }


def _check(check, values):
    result = {"says": check.says, **_spread(values)}
    if check.at_least is not None:
        bounds = {"moonshot": check.moonshot, "at least": check.at_least}
        sign = 1 if check.more_is_better else -1
        reached = [n for n, bound in bounds.items() if sign * (result["median"] - bound) >= 0]
        result |= bounds | {"more is better": check.more_is_better}
        result["verdict"] = reached[0] if reached else "missed"
    return result


def print_table(question, result):
    """One table: the cases, then the checks."""
    print(f"\n{result['title']}")
    print(f"  {'':<46} {'median':>9} {'least':>9} {'most':>9}  of matmul")
    for name, case in result["cases"].items():
        scale, unit = (1e-9, "GFLOP/s") if name == "matmul" else (1, question.unit)
        numbers = " ".join(f"{case[key] * scale:9.4g}" for key in ("median", "least", "most"))
        share = case.get("share of the matmul rate")
        told = "" if share is None else f"{share['median']:8.1%}"
        print(f"  {name + ', ' + unit:<46} {numbers} {told}")
    for check in result["checks"]:
        numbers = " ".join(f"{check[key]:9.4g}" for key in ("median", "least", "most"))
        line = f"  {'> ' + check['says']:<46} {numbers}"
        if "verdict" in check:
            word = "at least" if check["more is better"] else "at most"
            line += f"  {word} {check['at least']:g}, moonshot {check['moonshot']:g}:"
            line += f" {check['verdict']}"
        print(line, flush=True)
