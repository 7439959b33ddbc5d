"""What every test may ask for: frames of each library, and a generator."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings

# The first example of a test may pay for TensorFlow's start or a graph's tracing: no deadline.
# Half the default number of examples: they are nearly all that the tests of layers 0 to 2 cost.
settings.register_profile(
    "local", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@dataclass(frozen=True)
class FrameLib:
    """One dataframe library: its name, and a way to and from plain Python."""

    name: str
    module: Any

    def make(self, columns):
        """A native table of these columns; nested lists become the library's list columns."""
        table = pa.table(columns)
        if self.name == "pandas":
            return table.to_pandas(types_mapper=_pandas_list_type)
        return self.module.from_arrow(table) if self.name == "polars" else table

    def to_pylist(self, table):
        """Rows of a native table as dicts of Python values, missing ones None."""
        if self.name == "pandas":
            table = pa.Table.from_pandas(table, preserve_index=False)
        elif self.name == "polars":
            table = table.to_arrow()
        return table.to_pylist()


def _pandas_list_type(arrow_type):
    # Only lists: the other columns are to be pandas' own types, as users have them.
    return pd.ArrowDtype(arrow_type) if pa.types.is_list(arrow_type) else None


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def frame_lib(request):
    """Each dataframe library in turn, as a `FrameLib`."""
    module = pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return FrameLib(request.param, module)


@pytest.fixture
def rng():
    """A NumPy generator with a fixed seed."""
    return np.random.default_rng(0)
