# SPDX-License-Identifier: MIT
"""Finds and loads the shared library.

WATERSIC_LIBRARY is the path of the library, if the system's loader does not find it.
"""

import ctypes
import os

from .constants import API_VERSION_MAJOR, API_VERSION_MINOR
from .declarations import FUNCTIONS


def _names():
    path = os.environ.get("WATERSIC_LIBRARY")
    if path:
        return [path]
    soname = str(API_VERSION_MAJOR)
    if API_VERSION_MAJOR == 0:
        soname = f"0.{API_VERSION_MINOR}"
    return [f"libwatersic.so.{soname}", "libwatersic.so"]


def _open():
    reasons = []
    for name in _names():
        try:
            return ctypes.CDLL(name), name
        except OSError as error:
            reasons.append(str(error))
    raise ImportError(
        "the library libwatersic cannot be loaded: " + "; ".join(reasons)
        + ". The environment variable WATERSIC_LIBRARY can hold its path")


def _check_version(library, name):
    library.wsic_api_version.restype = ctypes.c_uint32
    major, minor = divmod(library.wsic_api_version(), 65536)
    serves = minor == API_VERSION_MINOR if major == 0 else minor >= API_VERSION_MINOR
    if major != API_VERSION_MAJOR or not serves:
        raise ImportError(
            f"{name} has interface version {major}.{minor}; this package needs "
            f"{API_VERSION_MAJOR}.{API_VERSION_MINOR}")


def _load():
    library, name = _open()
    try:
        _check_version(library, name)
        for function, (result, *arguments) in FUNCTIONS.items():
            entry = getattr(library, function)
            entry.restype = result
            entry.argtypes = arguments
    except AttributeError as error:
        raise ImportError(f"{name} lacks a function of the interface: {error}") from None
    return library


lib = _load()
