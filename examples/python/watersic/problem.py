# SPDX-License-Identifier: MIT
"""A prepared matrix: its statistics, their mixture, and rows and columns to leave out."""

import ctypes

import numpy

from .context import Context
from .handle import Handle, expect
from .matrices import REALS, array_of, describe, vector
from .stats import Stats


class Problem(Handle):
    """A matrix that is quantized several times, or with more than plain statistics (problem.h).

    It borrows the array of weights and the statistics. These cannot be changed or closed before
    the problem is closed; the weights must not be changed.
    """

    _type = "wsic_problem"

    def __init__(self, context, stats, weights, weighted=None):
        expect("context", context, Context)
        expect("stats", stats, Stats)
        matrix = describe("weights", weights, REALS, (None, stats.columns))
        if weighted is not None:
            expect("weighted", weighted, Stats)
        pointer = context._new("wsic_problem_create", stats, weighted, ctypes.byref(matrix))
        self._lent = [None]  # the statistics of outputs
        self._rows, self._columns = weights.shape
        self._adopt(context._core, pointer, array_of(weights), stats, weighted, self._lent)
        for lender in (stats, weighted):
            if lender is not None:
                lender._borrowers.add(self)

    def set_mix(self, q=0.0, a=0.0):
        """q: part of the clean input; a: part of the unweighted tokens."""
        self._call("set_mix", float(q), float(a))

    def set_dead_rows(self, rows):
        """Leave these rows out."""
        self._set_dead("rows", rows, self._rows)

    def set_dead_columns(self, columns):
        """Leave these columns out."""
        self._set_dead("columns", columns, self._columns)

    def _set_dead(self, name, numbers, count):
        numbers = list(numbers)
        for k, number in enumerate(numbers):
            if not 0 <= number < count:
                raise IndexError(f"{name}[{k}] is {number}; there are {count} {name}")
        array = numpy.array(numbers, numpy.uintp)
        self._call("set_dead_" + name, vector(name, array, numpy.uintp), len(array))

    def set_outputs(self, outputs):
        """Give the statistics of the outputs; None: there are none any more."""
        if outputs is not None:
            expect("outputs", outputs, Stats)
        self._call("set_outputs", outputs)
        self._borrow_outputs(outputs)

    def set_output_diagonal(self, diagonal):
        """Give the diagonal of the statistics of the outputs alone: a float64 for each row, which is
        copied. It takes the place of set_outputs()."""
        self._call("set_output_diagonal",
                   vector("diagonal", diagonal, numpy.float64, self._rows), self._rows)
        self._borrow_outputs(None)

    def _borrow_outputs(self, outputs):
        if self._lent[0] is not None and self._lent[0] is not outputs:
            self._lent[0]._borrowers.discard(self)
        self._lent[0] = outputs
        if outputs is not None:
            outputs._borrowers.add(self)
