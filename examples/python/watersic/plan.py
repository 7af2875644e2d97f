# SPDX-License-Identifier: MIT
"""Rate allocation: from statistics and weights to rates, before anything is quantized."""

import ctypes
import operator

import numpy

from .constants import PlanMode
from .context import Context
from .declarations import wsic_plan_layer
from .handle import Handle, expect, record
from .matrices import REALS, describe, size, vector
from .problem import Problem
from .stats import Stats

PlanLayer, _plan_layer = record(
    "PlanLayer", wsic_plan_layer, "What a solved plan says about one matrix (plan.h).")


class Plan(Handle):
    """A plan for several matrices (plan.h). plan[i] is what it says about matrix i."""

    _type = "wsic_plan"

    def __init__(self, context):
        expect("context", context, Context)
        self._adopt(context._core, context._new("wsic_plan_create"))

    def add(self, stats, weights):
        """Add a matrix; returns its number."""
        expect("stats", stats, Stats)
        matrix = describe("weights", weights, REALS, (None, stats.columns))
        return self._added("add", stats, ctypes.byref(matrix))

    def add_problem(self, problem):
        """Add a prepared matrix; returns its number."""
        return self._added("add_problem", expect("problem", problem, Problem))

    def _added(self, name, *arguments):
        index = ctypes.c_size_t()
        self._call(name, *arguments, ctypes.byref(index))
        return index.value

    def __len__(self):
        return self._get("count")

    def _index(self, index):
        index = operator.index(index)
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"there is no matrix {index}: the plan has {count}")
        return index % count

    def solve_rate(self, bits_per_weight):
        """Plan every matrix for a rate of its codes."""
        self._call("solve_rate", float(bits_per_weight))

    def solve_distortion(self, distortion):
        """Plan every matrix for a distortion."""
        self._call("solve_distortion", float(distortion))

    def solve_budget(self, budget, mode=PlanMode.WATERFILL):
        """Share a number of bytes out over all matrices."""
        self._call("solve_budget", PlanMode(mode), size("budget", budget))

    def set_sensitivity(self, index, sensitivity):
        """Say how much the distortion of a matrix matters."""
        self._call("set_sensitivity", self._index(index), float(sensitivity))

    def commit(self, index, layer_bytes):
        """Tell the size of a finished layer; the rest of the budget is planned anew."""
        self._call("commit", self._index(index), size("layer_bytes", layer_bytes))

    def __getitem__(self, index):
        found = wsic_plan_layer(ctypes.sizeof(wsic_plan_layer))
        self._call("get_layer", self._index(index), ctypes.byref(found))
        return _plan_layer(found)

    @property
    def divergence(self):
        """What the plan will do to the predictions of the model, in bits per token."""
        found = ctypes.c_double()
        self._call("get_divergence", ctypes.byref(found))
        return found.value

    def column_rates(self, index):
        """The rate of every column of one matrix."""
        rates = numpy.empty(self[index].columns)
        self._call("get_column_rates", self._index(index), vector("rates", rates, numpy.float64),
                   len(rates))
        return rates
