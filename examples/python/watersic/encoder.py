# SPDX-License-Identifier: MIT
"""The encoder: from statistics and weights to a layer."""

import ctypes
import itertools
import numbers
import warnings

from .constants import OutputWeights, Parameter, ParameterType
from .context import Context
from .declarations import wsic_encoder_report, wsic_layer, wsic_parameter_info
from .errors import RateWarning
from .handle import Handle, expect, record
from .layer import Layer
from .library import lib
from .matrices import REALS, describe, size, text
from .plan import Plan
from .problem import Problem
from .stats import Stats

Report, _report = record(
    "Report", wsic_encoder_report, "Times and counts of a run (encoder.h).")
ParameterInfo, _parameter_info = record(
    "ParameterInfo", wsic_parameter_info, "Description of a parameter (encoder.h).")


class Encoder(Handle):
    """Parameters, and runs that quantize matrices (encoder.h).

    Parameters are given by name, also as encoder["rate"] = 2:

        Encoder(context, preset="fast", rate=2, limit=True)
    """

    _type = "wsic_encoder"

    def __init__(self, context, preset=None, **parameters):
        expect("context", context, Context)
        self._adopt(context._core, context._new("wsic_encoder_create"))
        if preset is not None:
            self.set_preset(preset)
        for name, value in parameters.items():
            self[name] = value

    def set_preset(self, name):
        """Set the parameters that say how a matrix is quantized; preset_names() has the names."""
        self._call("set_preset", text("name", name))

    def __setitem__(self, name, value):
        self._call("set_text", text("name", name), _notation(name, value))

    def __getitem__(self, name):
        buffer = ctypes.create_string_buffer(64)
        self._call("get_text", text("name", name), buffer, len(buffer))
        return _TYPES[_types()[name]](buffer.value.decode())

    @property
    def parameters(self):
        """All parameters that differ from preset "default", as a text for provenance."""
        return self._get_text("parameters")

    def set_plan(self, plan, index):
        """Take the target of a matrix from a solved plan."""
        self._call("set_plan", expect("plan", plan, Plan), plan._index(index))

    def estimate_memory(self, rows, columns):
        """Bytes that a run will need at most."""
        found = ctypes.c_uint64()
        self._call("estimate_memory", size("rows", rows), size("columns", columns),
                   ctypes.byref(found))
        return found.value

    def estimate_memory_problem(self, problem):
        """Bytes that a run of a problem will need at most."""
        found = ctypes.c_uint64()
        self._call("estimate_memory_problem", expect("problem", problem, Problem),
                   ctypes.byref(found))
        return found.value

    def run(self, stats, weights):
        """Quantize a matrix: a Layer. A target that cannot be met is a RateWarning."""
        expect("stats", stats, Stats)
        matrix = describe("weights", weights, REALS, (None, stats.columns))
        return self._run("run", stats, ctypes.byref(matrix))

    def run_problem(self, problem):
        """Quantize a prepared matrix."""
        return self._run("run_problem", expect("problem", problem, Problem))

    def _run(self, name, *arguments):
        out = ctypes.POINTER(wsic_layer)()
        try:
            _, notice = self._call(name, *arguments, ctypes.byref(out))
        finally:  # it may be there even if a callback raised something
            made = Layer._wrap(self._core, out) if out else None
        if notice:
            warnings.warn(notice, RateWarning, stacklevel=3)
        return made

    @property
    def report(self):
        """The Report of the last run."""
        found = wsic_encoder_report(ctypes.sizeof(wsic_encoder_report))
        self._call("get_report", ctypes.byref(found))
        return _report(found)._replace(output_weights=OutputWeights(found.output_weights))


_TYPES = {ParameterType.NUMBER: float, ParameterType.INTEGER: int, ParameterType.CHOICE: str}


def _notation(name, value):
    """A value as text in the notation of C."""
    if isinstance(value, str):
        return text(name, value)
    if isinstance(value, numbers.Integral):  # bool, too
        return b"%d" % int(value)
    if isinstance(value, numbers.Real):
        return repr(float(value)).encode()
    raise TypeError(f"{name} must be a number or a text, not {type(value).__name__}")


def parameters():
    """Descriptions of all parameters."""
    found = []
    for index in range(lib.wsic_parameter_count()):
        info = wsic_parameter_info(ctypes.sizeof(wsic_parameter_info))
        lib.wsic_parameter_get_info(index, ctypes.byref(info))
        found.append(_parameter_info(info)._replace(
            id=Parameter(info.id), type=ParameterType(info.type), name=info.name.decode(),
            choices=info.choices.decode(), summary=info.summary.decode()))
    return found


def _types():
    return {info.name: info.type for info in parameters()}


def preset_names():
    """Names of the presets."""
    names = (lib.wsic_preset_name(index) for index in itertools.count())
    return [name.decode() for name in itertools.takewhile(lambda name: name is not None, names)]
