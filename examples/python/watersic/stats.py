# SPDX-License-Identifier: MIT
"""Calibration statistics: the moments of a layer's input."""

import ctypes
import weakref

import numpy

from . import matrices
from .constants import Dtype, Moment, Status
from .context import Context
from .declarations import wsic_pair_moments
from .errors import StateError
from .handle import Handle, expect, path_bytes
from .matrices import REALS, describe, empty, size, vector

_SUMS = (Dtype.F64, Dtype.F32)

# Below so many multiplications a call is over before anybody could interrupt it.
_SHORT = 1 << 26


class Stats(Handle):
    """Statistics of one input of columns numbers (stats.h)."""

    _type = "wsic_stats"

    def __init__(self, context, columns):
        expect("context", context, Context)
        columns = size("columns", columns)
        self._take(context, context._new("wsic_stats_create", columns))

    @classmethod
    def load(cls, context, path):
        """Read statistics from a file of save()."""
        expect("context", context, Context)
        made = cls.__new__(cls)
        made._take(context, context._new("wsic_stats_load", path_bytes(path)))
        return made

    def _take(self, context, pointer):
        self._adopt(context._core, pointer)
        self._borrowers = weakref.WeakSet()

    def _free_to_change(self):
        if any(not problem.closed for problem in self._borrowers):
            raise StateError(
                Status.ERROR_STATE, "a Problem borrows these statistics: close it first")

    def close(self):
        self._free_to_change()
        super().close()

    def add(self, activations, weights=None):
        """Add a batch of activations, tokens x columns. weights: one float64 for each token."""
        self._free_to_change()
        x = describe("activations", activations, REALS, (None, self.columns))
        factors = _token_weights(weights, x.rows)
        self._add("add_activations", x.rows * self.columns**2, ctypes.byref(x), factors)

    def add_pair(self, activations, quantized, residual=None, weights=None):
        """Add a batch of pairs: inputs in the original model, and behind quantized layers; and
        what the residual stream lost. All have a row for each token."""
        self._free_to_change()
        x = describe("activations", activations, REALS, (None, self.columns))
        y = describe("quantized", quantized, REALS, (x.rows, self.columns))
        r = None
        if residual is not None:
            r = ctypes.byref(describe("residual", residual, REALS, (x.rows, None)))
        factors = _token_weights(weights, x.rows)
        self._add("add_pair", x.rows * self.columns**2, ctypes.byref(x), ctypes.byref(y), r,
                  factors)

    def _add(self, name, work, *arguments):
        (self._call if work < _SHORT else self._call_aside)(name, *arguments)

    def add_covariance(self, covariance, samples):
        """Add a covariance, columns x columns, that stands for so many samples."""
        self._free_to_change()
        matrix = describe("covariance", covariance, _SUMS, (self.columns, self.columns))
        self._call("add_covariance", ctypes.byref(matrix), float(samples))

    def add_pair_moments(self, samples, input, quantized, cross, residual=None,
                         residual_input=None, residual_energy=None):
        """Add moments of pairs that were computed elsewhere."""
        self._free_to_change()
        moments = wsic_pair_moments(ctypes.sizeof(wsic_pair_moments))
        given = {"input": input, "quantized": quantized, "cross": cross, "residual": residual,
                 "residual_input": residual_input, "residual_energy": residual_energy}
        for name, matrix in given.items():
            if matrix is not None:
                setattr(moments, name, ctypes.pointer(describe(name, matrix, _SUMS)))
        self._call("add_pair_moments", ctypes.byref(moments), float(samples))

    def merge(self, other):
        """Add all samples of other statistics."""
        self._free_to_change()
        self._call("merge", expect("other", other, Stats))

    @property
    def columns(self):
        """Length of an input."""
        return self._get("columns")

    @property
    def samples(self):
        """Sum of the weights of all samples."""
        return self._get("samples")

    @property
    def has_pairs(self):
        """Whether the statistics hold pairs."""
        return bool(self._get("has_pairs"))

    @property
    def residual_columns(self):
        """Length of the residuals; 0 where there are none."""
        return self._get("residual_columns")

    def moment(self, which, out=None, dtype=Dtype.F64):
        """A normalised moment, in a new array or in out."""
        which = Moment(which)
        shape = self._shape(which)
        if out is None:
            out = empty(*(max(n, 1) for n in shape), matrices.dtype(dtype, _SUMS))
        matrix = describe("out", out, _SUMS, [n or None for n in shape], fill=True)
        self._call("get_moment", which, ctypes.byref(matrix))
        return out

    def _shape(self, which):
        if which in (Moment.RESIDUAL, Moment.RESIDUAL_INPUT):
            return self.residual_columns, self.columns
        if which == Moment.RESIDUAL_ENERGY:
            return self.residual_columns, 1
        return self.columns, self.columns

    def covariance(self, out=None):
        """The normalised second moment of the inputs."""
        return self.moment(Moment.INPUT, out)

    def spectrum(self):
        """Eigenvalues of the covariance, descending."""
        values = numpy.empty(self.columns)
        self._call("get_spectrum", vector("values", values, numpy.float64))
        return values

    def save(self, path):
        """Write the statistics to a file."""
        self._call("save", path_bytes(path))


def _token_weights(weights, tokens):
    return None if weights is None else vector("weights", weights, numpy.float64, tokens)
