# SPDX-License-Identifier: MIT
"""Calls of C functions: handles are held, statuses become exceptions, and what callbacks and
signal handlers raise meanwhile is raised after the call."""

import contextlib
import functools
import signal
import threading

from .constants import LogLevel, Status
from .declarations import wsic_log_function, wsic_progress_function
from .errors import failure
from .guard import Guard
from .library import lib

# Signals whose handlers may raise something
_DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1,
             signal.SIGUSR2)

try:  # the functions beneath those of signal make no enumerations, which takes longer than a call
    from _signal import getsignal as _get_handler, signal as _set_handler
except ImportError:
    from signal import getsignal as _get_handler, signal as _set_handler


def call(message, function, *arguments):
    """Call a function that returns a status; nothing else may accompany it. Returns the status,
    which is no failure, and the message where it is a notice."""
    with _held(arguments, read=False) as kept:
        arguments[0]._core.kept = kept
        return _outcome(function(*_pointers(arguments)), message)


def call_aside(message, function, *arguments):
    """call() for functions that can be cancelled but report no progress: they run on another
    thread, while this one listens to signals."""
    if _on_main_thread():
        function = functools.partial(_run_aside, arguments[0]._core, function)
    return call(message, function, *arguments)


def read(message, function, *arguments):
    """Call a function that others of its kind may accompany."""
    with _held(arguments, read=True):
        status = function(*_pointers(arguments))
    if status >= 0:
        return
    # The message is only there until another call fails: this asks for it without company.
    with _held(arguments, read=True, brief=True):
        _outcome(function(*_pointers(arguments)), message)


def get(function, *arguments):
    """Call a function that cannot fail and returns what it is asked for."""
    with _held(arguments, read=arguments[0]._shareable):
        return function(*_pointers(arguments))


def _is_handle(argument):
    return hasattr(type(argument), "_pointer")


def _pointers(arguments):
    """Arguments as C takes them. Only while they are held: another thread might close them."""
    return [a._pointer if _is_handle(a) else a for a in arguments]


@contextlib.contextmanager
def _held(arguments, read, brief=False):
    """For the time of a with statement handles are held, and signals are deferred: an exception
    between two steps would leave them held for ever. Yields a list of exceptions; the first one
    is raised at the end."""
    kept = []
    try:
        with _signals_deferred(kept), contextlib.ExitStack() as stack:
            _hold(stack, [a for a in arguments if _is_handle(a)], read, brief)
            yield kept
    finally:
        if kept:
            raise kept[0] from None


def _hold(stack, handles, read, brief):
    """The first handle is changed, unless the call only reads; layers and archives among the
    others are read, and all other handles are used by one thread at a time."""
    alone = {a._core: None for k, a in enumerate(handles)
             if not read and (k == 0 or not a._shareable)}
    for core in alone:
        stack.enter_context(core.guard.exclusive())
    for core in {a._core: None for a in handles if a._core not in alone}:
        stack.enter_context(core.guard.brief() if brief else core.guard.shared())


def _outcome(status, message):
    if status < 0:
        raise failure(status, message())
    return Status(status), message() if status > 0 else ""


def _run_aside(core, function, *arguments):
    status = []
    worker = threading.Thread(target=lambda: status.append(function(*arguments)))
    worker.start()
    while worker.is_alive():
        worker.join(0.05)
        if core.kept:
            lib.wsic_context_cancel(core.pointer)
    return status[0]


def _on_main_thread():
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _signals_deferred(kept):
    """Keep what handlers of signals raise. Python runs them also where a callback begins, where
    nothing could catch an exception such as KeyboardInterrupt."""
    replaced = []
    try:
        if _on_main_thread():
            for number in _DEFERRED:
                handler = _get_handler(number)
                if callable(handler):
                    replaced.append((number, handler))
                    _set_handler(number, functools.partial(_keep_raised, kept, handler))
        yield
    finally:
        for number, handler in replaced:
            _set_handler(number, handler)


def _keep_raised(kept, function, *arguments):
    """The result of a function, or None if it raises something, which is kept."""
    try:
        return function(*arguments)
    except BaseException as error:
        kept.append(error)
        return None


class Core:
    """What a context and its handles share: the guard and the callbacks."""

    def __init__(self):
        self.guard = Guard()
        self.pointer = None
        self.progress = None
        self.log = None
        self.kept = []  # what callbacks and signal handlers have raised in the running call
        # The library calls these as long as any handle of the context lives.
        self.progress_entry = wsic_progress_function(self._on_progress)
        self.log_entry = wsic_log_function(self._on_log)

    def _on_progress(self, _, fraction, stage):
        cancel = not self.kept and self.progress is not None and _keep_raised(
            self.kept, self.progress, fraction, stage.decode())
        return 1 if self.kept or cancel else 0

    def _on_log(self, _, level, message):
        if not self.kept and self.log is not None:
            _keep_raised(self.kept, self.log, LogLevel(level), message.decode(errors="replace"))
