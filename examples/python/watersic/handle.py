# SPDX-License-Identifier: MIT
"""What all objects have in common: a handle of C, its end and its message."""

import collections
import ctypes
import os
import weakref

from . import core
from .declarations import FUNCTIONS
from .errors import ClosedError
from .library import lib


class Handle:
    """Owns a handle of C. close() releases it, and so do a with statement and garbage collection."""

    _type = None  # of the handle, such as "wsic_stats"
    _destroyer = None  # name of the function that releases it, if it has an unusual one
    _shareable = False  # whether several threads may read it

    def _adopt(self, owner, pointer, *borrowed):
        """Take over a handle of a Core. borrowed is what it needs as long as it lives."""
        destroy = getattr(lib, self._destroyer or self._type + "_destroy")
        self._core = owner
        self._handle = pointer
        self._end = weakref.finalize(self, owner.guard.discard, destroy, pointer, *borrowed)

    @classmethod
    def _wrap(cls, owner, pointer, *borrowed):
        made = cls.__new__(cls)
        made._adopt(owner, pointer, *borrowed)
        return made

    @property
    def _pointer(self):
        if self.closed:
            raise ClosedError(f"this {type(self).__name__} is closed")
        return self._handle

    @property
    def closed(self):
        """Whether close() was called."""
        return not self._end.alive

    def close(self):
        """Release the handle. A second call does nothing."""
        self._end()

    def __enter__(self):
        self._pointer
        return self

    def __exit__(self, *_):
        self.close()

    def _function(self, name):
        return getattr(lib, f"{self._type}_{name}")

    def _message(self):
        return self._function("message")(self._handle).decode(errors="replace")

    def _call(self, name, *arguments):
        return core.call(self._message, self._function(name), self, *arguments)

    def _call_aside(self, name, *arguments):
        return core.call_aside(self._message, self._function(name), self, *arguments)

    def _read(self, name, *arguments):
        core.read(self._message, self._function(name), self, *arguments)

    def _get(self, name, *arguments):
        return core.get(self._function(name), self, *arguments)

    def _get_text(self, name, *arguments):
        found = self._get(name, *arguments)
        return None if found is None else found.decode(errors="surrogateescape")

    def _make(self, name, *arguments, read=False):
        """The pointer that a function makes, through its last argument."""
        out = FUNCTIONS[f"{self._type}_{name}"][-1]._type_()
        (self._read if read else self._call)(name, *arguments, ctypes.byref(out))
        return out


def expect(name, value, kind):
    """The value, if it is an object of this package and of the right class."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be of the class {kind.__name__}, not {type(value).__name__}")
    return value


def path_bytes(value):
    """A path as C takes it."""
    path = os.fsencode(value)
    if b"\0" in path:
        raise ValueError("a path has no NUL character")
    return path


def record(name, struct, doc):
    """A class with the members of a struct of C, and a function that makes it from one."""
    hidden = ("size", "reserved", "reserved_2")
    members = [member for member, _ in struct._fields_ if member not in hidden]
    kind = collections.namedtuple(name, members)
    kind.__doc__ = doc

    def from_struct(values):
        return kind(*(getattr(values, member) for member in members))

    return kind, from_struct
