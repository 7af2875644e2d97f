# SPDX-License-Identifier: MIT
"""Reverse waterfilling: the limit that no quantizer can pass (waterfill.h)."""

import ctypes

import numpy

from .errors import failure
from .library import lib
from .matrices import vector


def rate(eigenvalues, variance, distortion):
    """The least rate for a distortion, and its water level."""
    return _solve("rate", [eigenvalues], variance, distortion)


def distortion(eigenvalues, variance, rate):
    """The least distortion for a rate, and its water level."""
    return _solve("distortion", [eigenvalues], variance, rate)


def product_rate(outputs, inputs, variance, distortion):
    """rate() of two spectra, each in descending order."""
    return _solve("product_rate", [outputs, inputs], variance, distortion)


def product_distortion(outputs, inputs, variance, rate):
    """distortion() of two spectra, each in descending order."""
    return _solve("product_distortion", [outputs, inputs], variance, rate)


def component_rates(eigenvalues, variance, water_level):
    """Rate of every component at a water level."""
    rates = numpy.empty(len(eigenvalues))
    status = lib.wsic_waterfill_component_rates(
        _spectrum(eigenvalues), len(eigenvalues), float(variance), float(water_level),
        vector("rates", rates, numpy.float64))
    if status < 0:
        raise failure(status)
    return rates


def _spectrum(values):
    return vector("eigenvalues", values, numpy.float64)


def _solve(name, spectra, variance, target):
    found, level = ctypes.c_double(), ctypes.c_double()
    arrays = [argument for values in spectra for argument in (_spectrum(values), len(values))]
    status = getattr(lib, "wsic_waterfill_" + name)(
        *arrays, float(variance), float(target), ctypes.byref(found), ctypes.byref(level))
    if status < 0:
        raise failure(status)
    return found.value, level.value
