# SPDX-License-Identifier: MIT
"""Who may use a context and its handles at the moment, and when handles are destroyed.

The rules are those of context.h: one thread at a time uses a context and its handles; any number
of threads may read layers while nobody does anything else. A thread that breaks them gets a
BusyError. An object becomes garbage at any moment and on any thread. Its handle is therefore
destroyed when nobody uses the context.
"""

import collections
import contextlib
import threading

from .errors import BusyError

_EXCLUSIVE = -1  # one thread, as long as it likes: others are refused
_BRIEF = -2  # one thread, for a moment: others wait


class Guard:
    """Guards the handles of one context."""

    def __init__(self):
        # The lock can be taken again by the same thread: signal handlers and garbage collection
        # may run while it is held.
        self._lock = threading.RLock()
        self._free = threading.Condition(self._lock)
        self._users = 0  # number of readers, or one of the above
        self._owner = None  # thread of the latter
        self._doomed = collections.deque()

    def _enter(self, users):
        me = threading.get_ident()
        with self._lock:
            while self._must_wait(users) and self._owner != me:
                self._free.wait()
            if self._users < 0 or (self._users > 0 and users < 0):
                raise BusyError(
                    "the context is in a call, which this callback or signal handler interrupts"
                    if self._owner == me else
                    "the context is in use by another thread: each thread needs one of its own")
            self._users = users if users < 0 else self._users + 1
            self._owner = me if users < 0 else None

    def _must_wait(self, users):
        return self._users == _BRIEF or (users == _BRIEF and self._users != 0)

    @contextlib.contextmanager
    def _held(self, users):
        self._enter(users)
        try:
            yield
        finally:
            self._leave()
            self._sweep()

    def _leave(self):
        with self._lock:
            self._users = max(self._users - 1, 0)
            self._owner = None
            self._free.notify_all()

    def exclusive(self):
        """For the time of a with statement this thread alone uses the context."""
        return self._held(_EXCLUSIVE)

    def shared(self):
        """For the time of a with statement nobody changes anything."""
        return self._held(1)

    def brief(self):
        """As exclusive(), but everybody waits: this thread for the others, and they for it."""
        return self._held(_BRIEF)

    @contextlib.contextmanager
    def beside(self):
        """For functions that may run beside any other: no handle is destroyed meanwhile."""
        with self._lock:
            while self._users == _BRIEF and self._owner != threading.get_ident():
                self._free.wait()
            yield

    def discard(self, destroy, pointer, *borrowed):
        """Destroy a handle as soon as nobody uses the context; borrowed lives until then."""
        self._doomed.append((destroy, pointer, borrowed))
        self._sweep()

    def _sweep(self):
        # Whoever uses the context now, or holds the lock, sweeps afterwards.
        while self._doomed and self._lock.acquire(blocking=False):
            idle = self._users == 0
            if idle:
                self._users, self._owner = _BRIEF, threading.get_ident()
            self._lock.release()
            if not idle:
                return
            try:
                while self._doomed:
                    destroy, pointer, borrowed = self._doomed.popleft()
                    destroy(pointer)
                    del borrowed
            finally:
                self._leave()
