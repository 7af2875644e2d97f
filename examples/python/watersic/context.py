# SPDX-License-Identifier: MIT
"""The context: memory, threads, log, progress and cancellation."""

import ctypes
import operator
from functools import partial

from .constants import Kernels, LogLevel
from .core import Core, call, read
from .declarations import FUNCTIONS, wsic_context
from .errors import failure
from .handle import Handle
from .job import run_all
from .library import lib
from .matrices import size


class Context(Handle):
    """What all other objects are made from.

    threads    number of threads of the library's own loops; 0: as many as there are processors
    progress   function of fraction and stage. It cancels the running call by returning something
               true, or by an exception, which the call then raises.
    log        function of a LogLevel and a text. An exception is raised after the call.
    log_level  most verbose level wanted

    One thread at a time may use a context and the objects made from it; layers may be read by
    several. Another thread that tries gets a BusyError. Signals are heeded during calls that
    report progress and in Stats.add() and add_pair(): their handlers run, and an exception in
    them, such as KeyboardInterrupt, cancels the call and is raised.
    """

    _type = "wsic_context"

    def __init__(self, threads=1, progress=None, log=None, log_level=LogLevel.WARNING,
                 memory_limit=0):
        out = ctypes.POINTER(wsic_context)()
        status = lib.wsic_context_create(None, ctypes.byref(out))
        if status < 0:
            raise failure(status)
        owner = Core()
        owner.pointer = out
        self._adopt(owner, out)
        self._call("set_progress", owner.progress_entry, None)
        self.set_progress(progress)
        self.set_log(log, log_level)
        if threads != 1:
            self.set_threads(threads)
        if memory_limit:
            self.set_memory_limit(memory_limit)

    def set_threads(self, threads):
        """Number of threads of the library; 0: as many as there are processors."""
        self._call("set_threads", _int32("threads", threads))

    def set_progress(self, progress):
        """The progress function, or None. See the class."""
        self._core.progress = _callable("progress", progress)

    def set_log(self, log, level=LogLevel.WARNING):
        """The log function, or None. See the class."""
        _callable("log", log)
        self._call("set_log", self._core.log_entry, None,
                   LogLevel.NONE if log is None else LogLevel(level))
        self._core.log = log

    def set_kernels(self, kernels):
        """Choose the instructions of the kernels: a member of Kernels."""
        self._call("set_kernels", Kernels(kernels))

    @property
    def kernels(self):
        """The instructions that the kernels use."""
        return Kernels(self._get("kernels"))

    def set_memory_limit(self, limit):
        """Bound the memory of the context and of all objects made from it; 0: no bound."""
        self._call("set_memory_limit", size("limit", limit))

    @property
    def memory(self):
        """Bytes in use."""
        return self._get("memory", None)

    @property
    def memory_peak(self):
        """The most bytes that were in use."""
        peak = ctypes.c_uint64()
        self._get("memory", ctypes.byref(peak))
        return peak.value

    def reset_peak(self):
        """Begin a new measurement of the peak."""
        self._get("reset_peak")

    def run(self, jobs, threads=0):
        """Do many jobs, of one or many layers, on the threads of the context (decode.h). Returns
        the matrices that they have filled. No two jobs may fill the same memory."""
        jobs = list(jobs)
        layers = [job.layer for job in jobs]
        call(self._message, partial(run_all, jobs, size("threads", threads)), self, *layers)
        return [job.out for job in jobs]

    def cancel(self):
        """End the call that is running, from any thread: it raises CancelledError."""
        self._beside(lib.wsic_context_cancel)

    def stop(self):
        """End the running and all later calls, until resume()."""
        self._beside(lib.wsic_context_stop)

    def resume(self):
        """Take stop() back."""
        self._beside(lib.wsic_context_resume)

    def _beside(self, function):
        with self._core.guard.beside():
            function(self._pointer)

    def _new(self, function, *arguments, shared=False):
        """The pointer that a function makes from the context, through its last argument."""
        out = FUNCTIONS[function][-1]._type_()
        (read if shared else call)(
            self._message, getattr(lib, function), self, *arguments, ctypes.byref(out))
        return out


def processors():
    """Number of processors that this thread may run on."""
    return lib.wsic_processors()


def _int32(name, value):
    value = operator.index(value)
    if not -(1 << 31) <= value < 1 << 31:
        raise ValueError(f"{name} is beyond the range of 32 bits: {value}")
    return value


def _callable(name, function):
    if function is not None and not callable(function):
        raise TypeError(f"{name} must be a function or None, not {type(function).__name__}")
    return function
