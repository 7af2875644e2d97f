# SPDX-License-Identifier: MIT
"""Whatever a program does wrong is an exception: wrong types and shapes, closed objects, threads
against the rules, exceptions in callbacks, signals. Nothing ends the process."""

import gc
import os
import signal
import tempfile
import threading
import time
import unittest
import weakref

import numpy

import watersic
from fixture import COLUMNS, ROWS, TOKENS, activations, layer, numbers, statistics, weights


class Interrupted(Exception):
    pass


class BadInput(unittest.TestCase):
    def setUp(self):
        self.context = watersic.Context()
        self.stats = statistics(self.context)

    def refused(self, kind, words, function, *arguments, **named):
        with self.assertRaisesRegex(kind, words):
            function(*arguments, **named)

    def test_arrays(self):
        x = activations()
        add = self.stats.add
        self.refused(TypeError, "not list", add, x.tolist())
        self.refused(TypeError, "int64", add, x.astype(numpy.int64))
        self.refused(TypeError, "type >f4", add, x.astype(">f4"))
        self.refused(TypeError, "I8", add, x.astype(numpy.int8))
        self.refused(TypeError, "MaskedArray", add, numpy.ma.masked_array(x))
        self.refused(TypeError, "object", add, numpy.full((2, COLUMNS), None))
        self.refused(ValueError, "2 dimensions, not 1", add, x[0])
        self.refused(ValueError, "2 dimensions, not 3", add, x[None])
        self.refused(ValueError, "empty", add, x[:0])
        self.refused(ValueError, r"shape \(512, 63\)", add, x[:, 1:])
        self.refused(ValueError, "8 bytes apart", add, numpy.repeat(x, 2, 1)[:, ::2])
        self.refused(ValueError, "apart", add, numpy.asfortranarray(x))
        self.refused(ValueError, "rows are -256 bytes apart", add, x[::-1])
        self.refused(ValueError, "rows are 0 bytes apart", add,
                     numpy.broadcast_to(x[0], (TOKENS, COLUMNS)))
        raw = numpy.frombuffer(b"\0" + x.tobytes(), numpy.uint8)[1:]
        self.refused(watersic.ArgumentError, "activations", add, raw.view(numpy.float32).reshape(x.shape))
        self.assertEqual(self.stats.samples, TOKENS)

    def test_weights_of_tokens(self):
        x = activations()
        for wrong in (numpy.ones(TOKENS - 1), numpy.ones((TOKENS, 1)), numpy.ones(2 * TOKENS)[::2]):
            self.refused(ValueError, "weights", self.stats.add, x, wrong)
        self.refused(TypeError, "float64", self.stats.add, x, numpy.ones(TOKENS, numpy.float32))
        self.refused(watersic.ArgumentError, "weights", self.stats.add, x, -numpy.ones(TOKENS))

    def test_pairs(self):
        x = activations()
        self.refused(ValueError, "quantized", self.stats.add_pair, x, x[1:])
        self.refused(ValueError, "residual", self.stats.add_pair, x, x, x[1:])
        self.refused(watersic.StateError, "", self.stats.add_pair, x, x)
        self.refused(watersic.StateError, "", self.stats.moment, watersic.Moment.CROSS)
        self.refused(watersic.StateError, "", self.stats.moment, watersic.Moment.RESIDUAL)
        self.refused(ValueError, "99", self.stats.moment, 99)

    def test_numbers(self):
        self.refused(ValueError, "columns", watersic.Stats, self.context, -1)
        self.refused(watersic.ArgumentError, "columns", watersic.Stats, self.context, 0)
        self.refused(MemoryError, "", watersic.Stats, self.context, 1 << 40)
        self.refused(TypeError, "", watersic.Stats, self.context, 1.5)
        self.refused(ValueError, "threads", self.context.set_threads, 1 << 32)
        self.refused(watersic.ArgumentError, "threads", watersic.Context, threads=-2)
        self.refused(ValueError, "limit", self.context.set_memory_limit, -1)

    def test_types_of_objects(self):
        encoder, plan = watersic.Encoder(self.context), watersic.Plan(self.context)
        self.refused(TypeError, "context", watersic.Stats, self.stats, 3)
        self.refused(TypeError, "Stats", encoder.run, encoder, weights())
        self.refused(TypeError, "Problem", encoder.run_problem, self.stats)
        self.refused(TypeError, "Stats", plan.add, None, weights())
        self.refused(TypeError, "Plan", encoder.set_plan, encoder, 0)
        self.refused(TypeError, "layers are made", watersic.Layer)
        self.refused(TypeError, "progress", self.context.set_progress, 3)
        self.refused(TypeError, "log", self.context.set_log, "x")

    def test_parameters(self):
        encoder = watersic.Encoder(self.context)
        self.refused(watersic.NotFoundError, "nonsense", watersic.Encoder, self.context, nonsense=1)
        self.refused(watersic.NotFoundError, "", encoder.set_preset, "nonsense")
        self.refused(watersic.ArgumentError, "rate", encoder.__setitem__, "rate", 99)
        self.refused(watersic.ArgumentError, "rate", encoder.__setitem__, "rate", float("nan"))
        self.refused(watersic.ArgumentError, "passes", encoder.__setitem__, "passes", 1.5)
        self.refused(TypeError, "rate", encoder.__setitem__, "rate", None)
        self.refused(ValueError, "NUL", encoder.__setitem__, "rate", "2\0")
        self.refused(LookupError, "", encoder.__getitem__, "nonsense")
        self.refused(watersic.StateError, "", encoder.run, self.stats, weights())
        self.refused(watersic.StateError, "", getattr, encoder, "report")

    def test_problem(self):
        problem = watersic.Problem(self.context, self.stats, weights())
        self.refused(IndexError, r"rows\[1\] is 48", problem.set_dead_rows, [0, ROWS])
        self.refused(IndexError, "columns", problem.set_dead_columns, [-1])
        self.refused(watersic.ArgumentError, "q", problem.set_mix, 2)
        self.refused(watersic.ArgumentError, "", problem.set_outputs, self.stats)
        self.refused(ValueError, "diagonal", problem.set_output_diagonal, numpy.ones(ROWS + 1))
        self.refused(watersic.ArgumentError, "", problem.set_output_diagonal, -numpy.ones(ROWS))
        for change in (self.stats.close, lambda: self.stats.add(activations()),
                       lambda: self.stats.merge(self.stats)):
            self.refused(watersic.StateError, "borrows", change)
        other = watersic.Encoder(watersic.Context(), rate=2)
        self.refused(watersic.ArgumentError, "context", other.run_problem, problem)
        problem.close()
        self.stats.add(activations())

    def test_plan(self):
        plan = watersic.Plan(self.context)
        self.refused(watersic.StateError, "", plan.solve_rate, 2)
        plan.add(self.stats, weights())
        self.refused(IndexError, "matrix 1", plan.__getitem__, 1)
        self.refused(watersic.StateError, "", plan.__getitem__, 0)
        self.refused(watersic.NumberError, "", plan.solve_budget, 1)
        self.refused(ValueError, "7", plan.solve_budget, 1000, 7)
        self.refused(ValueError, "budget", plan.solve_budget, -1)

    def test_layer(self):
        made = layer(self.context)
        x = activations()[:3]
        read_only = numpy.zeros((3, ROWS), numpy.float32)
        read_only.flags.writeable = False
        self.refused(ValueError, "read-only", made.matmul, x, out=read_only)
        self.refused(ValueError, "shape", made.matmul, x, out=numpy.empty((2, ROWS), numpy.float32))
        self.refused(TypeError, "F64", made.matmul, x.astype(numpy.float64))
        self.refused(TypeError, "F64", made.matmul, x, out=numpy.empty((3, ROWS)))
        self.refused(ValueError, "shares memory", made.matmul, x, out=x[:, :ROWS])
        self.refused(ValueError, "names none", made.dequantize, slice(ROWS, None))
        self.refused(TypeError, "slice", made.dequantize, 3)
        self.refused(TypeError, "without a step", made.dequantize, slice(None, None, 2))
        self.refused(TypeError, "known here", made.dequantize, dtype=numpy.int8)
        self.refused(TypeError, "known here", made.codes, dtype="f32")
        self.refused(TypeError, "", made.codes, dtype="nonsense")
        self.refused(ValueError, "row_scales", made.with_scales, numpy.ones(3, numpy.float32))
        self.refused(ValueError, "bytes", watersic.I4, numpy.empty((2, 2), numpy.uint8), 5)
        self.refused(TypeError, "uint16", watersic.BF16, x)
        large = layer(self.context, rate=7)
        self.refused(watersic.NumberError, "code", large.codes, dtype="i4")
        with self.assertRaises(ValueError):
            made.row_scales[0] = 3

    def test_bytes(self):
        made = bytes(layer(self.context).data)
        load = watersic.Layer.load
        self.refused(watersic.FormatError, "", load, self.context, made[:-1])
        self.refused(watersic.FormatError, "", load, self.context, made[:40] + b"\xff" + made[41:])
        self.refused(ValueError, "", load, self.context, b"")
        self.refused(TypeError, "", load, self.context, "text")
        self.refused(watersic.FormatError, "", watersic.Archive, self.context, made)
        self.refused(BufferError, "contiguous", load, self.context, memoryview(made)[::2])

    def test_archive(self):
        made = layer(self.context)
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x")
            self.refused(OSError, "No such file", watersic.Archive, self.context, path)
            self.refused(ValueError, "NUL", watersic.ArchiveWriter, self.context, path + "\0")
            self.refused(watersic.ArgumentError, "alignment", watersic.ArchiveWriter, self.context,
                         path, alignment=3)
            with watersic.ArchiveWriter(self.context, path) as writer:
                writer.add("a", made)
                self.refused(watersic.ArgumentError, "a", writer.add, "a", made)
                self.refused(TypeError, "Layer", writer.add, "b", b"bytes")
                self.refused(TypeError, "str", writer.add, 3, made)
                self.refused(ValueError, "", writer.add, "\udc80", made)
                self.refused(IndexError, "", writer.load_layer, 1)
                writer.finish()
                self.refused(watersic.StateError, "", writer.add, "b", made)
            archive = watersic.Archive(self.context, path)
            self.refused(LookupError, "there is no layer", archive.__getitem__, "b")
            self.refused(IndexError, "1", archive.view_layer, 1)
            self.refused(TypeError, "", archive.extent, 1.5)

    def test_error(self):
        with self.assertRaises(watersic.Error) as caught:
            self.stats.add(numpy.full((1, COLUMNS), numpy.inf))
        error = caught.exception
        self.assertEqual(error.status, watersic.Status.ERROR_NOT_FINITE)
        self.assertIn("row 0, column 0", error.message)
        self.assertIn("WSIC_ERROR_NOT_FINITE", str(error))


class Ends(unittest.TestCase):
    def test_use_after_close(self):
        context = watersic.Context()
        stats = statistics(context)
        encoder, plan = watersic.Encoder(context, rate=2), watersic.Plan(context)
        problem = watersic.Problem(context, stats, weights())
        made = encoder.run(stats, weights())
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x.wsic")
            with watersic.ArchiveWriter(context, path) as writer:
                writer.add("a", made)
            archive = watersic.Archive(context, path)
            job = made.codes_job()
            for thing in (problem, stats, encoder, plan, archive, made, context):
                thing.close()
                thing.close()
                self.assertTrue(thing.closed)
        for use in (stats.covariance, lambda: stats.add(activations()), encoder.__enter__,
                    lambda: encoder.run(stats, weights()), lambda: plan.solve_rate(2),
                    lambda: problem.set_mix(1), lambda: len(archive), lambda: archive["a"],
                    made.codes, job.run, lambda: made.info, lambda: writer.add("b", made),
                    context.cancel, lambda: context.memory, lambda: watersic.Plan(context),
                    lambda: watersic.Context().run([job]),
                    lambda: watersic.Encoder(watersic.Context()).set_plan(plan, 0)):
            with self.assertRaises(watersic.ClosedError):
                use()

    def test_objects_outlive_their_context(self):
        made = layer(watersic.Context())
        gc.collect()
        self.assertEqual(made.codes().shape, (ROWS, COLUMNS))

    def test_arrays_outlive_their_layer(self):
        made = layer(watersic.Context())
        truth = made.column_scales.copy()
        scales, ended = made.column_scales[1:], made._end
        with made:
            pass
        with self.assertRaises(watersic.ClosedError):
            made.codes()
        del made
        gc.collect()
        numpy.testing.assert_array_equal(scales, truth[1:])
        self.assertTrue(ended.alive)
        del scales
        gc.collect()
        self.assertFalse(ended.alive)

    def test_nothing_is_left(self):
        context = watersic.Context()
        made = layer(context)
        watersic.Layer.view(context, bytes(made.data)).codes()
        watersic.Problem(context, statistics(context), weights())
        del made
        gc.collect()
        self.assertEqual(context.memory, 0)
        core = weakref.ref(context._core)
        del context
        gc.collect()
        self.assertIsNone(core())


class Callbacks(unittest.TestCase):
    def test_progress_cancels(self):
        context = watersic.Context(progress=lambda fraction, stage: fraction > 0.1)
        with self.assertRaises(watersic.CancelledError):
            layer(context)
        context.set_progress(None)
        layer(context)

    def test_exceptions_are_raised_after_the_call(self):
        calls = []

        def progress(fraction, stage):
            calls.append(stage)
            raise Interrupted(stage)

        context = watersic.Context(progress=progress)
        with self.assertRaises(Interrupted):
            layer(context)
        self.assertEqual(len(calls), 1)
        context.set_progress(None)
        layer(context)

        def log(level, text):
            raise Interrupted(text)

        context.set_log(log, watersic.LogLevel.DEBUG)
        with self.assertRaises(Interrupted):
            layer(context)
        context.set_log(None)
        made = layer(context)
        self.assertGreater(made.info.bytes, 0)

    def test_a_layer_is_released_if_a_callback_raises(self):
        def progress(fraction, stage):
            if fraction == 1:  # too late to cancel for good
                raise Interrupted

        context = watersic.Context()
        stats, encoder = statistics(context), watersic.Encoder(context, "fast", step=0.1)
        before = context.memory
        context.set_progress(progress)
        with self.assertRaises(Interrupted):
            encoder.run(stats, weights())
        gc.collect()
        self.assertLess(context.memory, before + 1000)

    def test_callbacks_must_not_use_their_context(self):
        for use in (lambda context: layer(context), lambda context: context.memory,
                    lambda context: context.set_threads(2)):
            context = watersic.Context(progress=lambda fraction, stage: use(context))
            with self.assertRaisesRegex(watersic.BusyError, "callback"):
                layer(context)

    def test_objects_may_be_dropped_in_callbacks(self):
        context = watersic.Context()
        owned = [layer(context)]

        def progress(fraction, stage):
            if owned:
                owned.pop().close()

        context.set_progress(progress)
        layer(context)
        self.assertFalse(owned)
        gc.collect()
        self.assertEqual(context.memory, 0)

    def test_cancel_in_a_callback(self):
        context = watersic.Context(progress=lambda fraction, stage: context.cancel())
        with self.assertRaises(watersic.CancelledError):
            layer(context)

    def test_stop_holds_until_resume(self):
        context = watersic.Context()
        context.stop()
        for _ in range(2):
            with self.assertRaises(watersic.CancelledError):
                statistics(context)
        context.resume()
        statistics(context)


class Threads(unittest.TestCase):
    def while_busy(self, use):
        """Call use(context) on this thread while another one is in a call."""
        inside, go_on = threading.Event(), threading.Event()

        def progress(fraction, stage):
            inside.set()
            go_on.wait(10)

        context = watersic.Context(progress=progress)
        worker = threading.Thread(target=layer, args=[context])
        worker.start()
        self.assertTrue(inside.wait(10))
        try:
            return use(context)
        finally:
            go_on.set()
            worker.join()

    def test_second_thread_is_refused(self):
        for use in (statistics, watersic.Plan, lambda context: context.memory):
            with self.assertRaisesRegex(watersic.BusyError, "another thread"):
                self.while_busy(use)

    def test_cancel_from_another_thread(self):
        raised = []
        context = watersic.Context()

        def work():
            try:
                while True:
                    layer(context)
            except watersic.CancelledError as error:
                raised.append(error)

        worker = threading.Thread(target=work)
        worker.start()
        context.stop()
        worker.join()
        self.assertEqual(len(raised), 1)

    def test_objects_may_be_dropped_by_another_thread(self):
        dropped = []

        def drop(context):
            dropped.append(weakref.ref(context._core))

        self.while_busy(drop)
        context = watersic.Context()
        made = layer(context)
        inside, go_on = threading.Event(), threading.Event()
        context.set_progress(lambda fraction, stage: inside.set() or go_on.wait(10) and None)
        worker = threading.Thread(target=layer, args=[context])
        worker.start()
        inside.wait(10)
        made.close()  # takes effect when the call is over
        with self.assertRaises(watersic.ClosedError):
            made._pointer
        go_on.set()
        worker.join()
        gc.collect()
        self.assertEqual(context.memory, 0)

    def test_many_readers(self):
        """Correct reads succeed, and wrong ones have their own message, at the same time."""
        context = watersic.Context()
        made = layer(context, rate=7)
        data, codes = bytes(made.data), made.codes()
        wrong = []

        def work(number):
            for _ in range(20):
                try:
                    if (made.codes() != codes).any():
                        wrong.append("codes")
                    watersic.Layer.view(context, data).close()
                    made.codes(slice(number, number + 1), dtype="i4")
                    wrong.append("no error")
                except watersic.NumberError as error:
                    if "code" not in error.message or "I4" not in error.message:
                        wrong.append(error.message)
                except Exception as error:
                    wrong.append(repr(error))

        workers = [threading.Thread(target=work, args=[k]) for k in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(wrong, [])


class Signals(unittest.TestCase):
    """Signals come at random moments of calls; none is lost, and all objects stay usable."""

    def setUp(self):
        self.context = watersic.Context()

    def interrupt(self, call, number=signal.SIGINT, kind=KeyboardInterrupt):
        for delay in (0.003, 0.01, 0.03):
            timer = threading.Timer(delay, os.kill, (os.getpid(), number))
            begin = time.monotonic()
            with self.assertRaises(kind):
                timer.start()
                while time.monotonic() < begin + 20:
                    call()
            timer.join()

    def test_run(self):
        stats, encoder = statistics(self.context), watersic.Encoder(self.context, rate=2)
        self.interrupt(lambda: encoder.run(stats, weights()))
        self.assertEqual(encoder.run(stats, weights()).shape, (ROWS, COLUMNS))
        self.assertEqual(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_plan(self):
        stats, plan = statistics(self.context), watersic.Plan(self.context)
        self.interrupt(lambda: plan.add(stats, weights()))
        plan.add(stats, weights())  # the first one that is not interrupted, if the machine is busy
        plan.solve_rate(2)

    def test_statistics(self):
        stats = watersic.Stats(self.context, 512)
        x = numbers((4096, 512))
        self.interrupt(lambda: stats.add(x))
        self.assertEqual(stats.samples % len(x), 0)

    def test_short_calls(self):
        stats = statistics(self.context)
        for _ in range(20):
            self.interrupt(lambda: stats.columns)
            self.assertEqual(stats.columns, COLUMNS)

    def test_handlers_of_the_program(self):
        def handler(number, frame):
            raise Interrupted(number)

        before = signal.signal(signal.SIGALRM, handler)
        try:
            stats, encoder = statistics(self.context), watersic.Encoder(self.context, rate=2)
            self.interrupt(lambda: encoder.run(stats, weights()), signal.SIGALRM, Interrupted)
            self.assertIs(signal.getsignal(signal.SIGALRM), handler)
        finally:
            signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    unittest.main()
