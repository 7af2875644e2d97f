# SPDX-License-Identifier: MIT
"""Jobs: parts of layers to be decoded or multiplied (decode.h)."""

import ctypes

from . import core
from .declarations import wsic_layer_job
from .library import lib


class Job:
    """A part of a layer to be decoded into out. Made by Layer.codes_job() and its siblings.

    run() does it on this thread, Context.run() does many on the threads of a context.
    """

    def __init__(self, layer, kind, first_row, first_column, given, input, out, output):
        self.layer = layer
        self.out = out
        self._given = given  # the arrays live as long as the job
        self._input = input
        self._output = output
        self._struct = wsic_layer_job(
            ctypes.sizeof(wsic_layer_job), None, kind, 0, first_row, first_column,
            None if input is None else ctypes.pointer(input), ctypes.pointer(output))

    def _filled(self, pointer):
        """The struct of C, with a pointer that is held."""
        self._struct.layer = pointer
        return self._struct

    def run(self):
        """Do the job; returns out."""
        core.read(
            self.layer._message,
            lambda pointer: lib.wsic_layer_run(ctypes.byref(self._filled(pointer)), None, 0),
            self.layer)
        return self.out


def run_all(jobs, threads, context, *layers):
    """wsic_layers_run() of jobs, whose layers are held."""
    structs = (wsic_layer_job * len(jobs))(*(j._filled(p) for j, p in zip(jobs, layers)))
    return lib.wsic_layers_run(context, structs, len(jobs), threads, None, 0)
