# SPDX-License-Identifier: MIT
"""libwatersic: weights of language models at 1 to 4 bits, from Python and NumPy.

tutorial.md beside this package shows how to use it. The headers of C document every function.
"""

from . import waterfill
from .archive import Archive, ArchiveWriter
from .constants import (
    Dtype,
    JobKind,
    Kernels,
    LogLevel,
    Moment,
    OutputWeights,
    Parameter,
    ParameterType,
    PlanMode,
    Status,
)
from .context import Context, processors
from .encoder import Encoder, ParameterInfo, Report, parameters, preset_names
from .errors import (
    ArgumentError,
    BusyError,
    CancelledError,
    ClosedError,
    Error,
    FileError,
    FormatError,
    NotFoundError,
    NumberError,
    OutOfMemoryError,
    RateWarning,
    StateError,
    TypeMismatchError,
)
from .job import Job
from .layer import Layer, LayerInfo
from .library import lib
from .matrices import BF16, I4
from .plan import Plan, PlanLayer
from .problem import Problem
from .stats import Stats

#: Release of the library that is running
__version__ = lib.wsic_version().decode()

__all__ = [name for name in dir() if not name.startswith("_")]
