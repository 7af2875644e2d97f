# SPDX-License-Identifier: MIT
"""What the objects compute, against NumPy."""

import mmap
import os
import tempfile
import unittest
import warnings

import numpy
from numpy.testing import assert_allclose, assert_array_equal

import watersic
from fixture import COLUMNS, ROWS, TOKENS, activations, layer, numbers, statistics, weights

def as_bf16(array):
    """The upper halves of float32 numbers, which it cuts off."""
    return (numpy.ascontiguousarray(array).view(numpy.uint32) >> 16).astype(numpy.uint16)


def from_bf16(bits):
    return (bits.astype(numpy.uint32) << 16).view(numpy.float32)


class Objects(unittest.TestCase):
    def setUp(self):
        self.context = watersic.Context()

    def test_covariance(self):
        x = activations().astype(numpy.float64)
        with watersic.Stats(self.context, COLUMNS) as stats:
            stats.add(x)
            stats.add(x[:7], numpy.full(7, 3.0))
            total = x.T @ x + 3 * x[:7].T @ x[:7]
            self.assertEqual((stats.columns, stats.samples), (COLUMNS, TOKENS + 21))
            assert_allclose(stats.covariance(), total / (TOKENS + 21), rtol=1e-12)
            assert_allclose(
                stats.spectrum(), numpy.linalg.eigvalsh(total / (TOKENS + 21))[::-1], rtol=1e-9,
                atol=1e-12)

    def test_number_types_and_strides(self):
        wide = numpy.zeros((TOKENS, COLUMNS + 5), numpy.float32)
        wide[:, 3:-2] = from_bf16(as_bf16(activations()))
        x = wide[:, 3:-2]
        half = x.astype(numpy.float16)
        for given, truth in ((x, x), (wide[::2, 3:-2], x[::2]), (half, half),
                             (watersic.BF16(as_bf16(x)), x), (x.astype(numpy.float64), x)):
            with watersic.Stats(self.context, COLUMNS) as stats:
                stats.add(given)
                truth = truth.astype(numpy.float64)
                assert_allclose(stats.covariance(), truth.T @ truth / len(truth), atol=1e-5)

    def test_pairs(self):
        x, y, r = activations(3), activations(4), numbers((TOKENS, ROWS), 5)
        stats = watersic.Stats(self.context, COLUMNS)
        stats.add_pair(x, y, r)
        self.assertTrue(stats.has_pairs)
        self.assertEqual(stats.residual_columns, ROWS)
        x, y, r = (a.astype(numpy.float64) for a in (x, y, r))
        truths = {watersic.Moment.INPUT: x.T @ x, watersic.Moment.QUANTIZED: y.T @ y,
                  watersic.Moment.CROSS: x.T @ y, watersic.Moment.RESIDUAL: r.T @ y,
                  watersic.Moment.RESIDUAL_INPUT: r.T @ x,
                  watersic.Moment.RESIDUAL_ENERGY: (r * r).sum(0)[:, None]}
        moments = {which: stats.moment(which) for which in watersic.Moment}
        for which, truth in truths.items():
            assert_allclose(moments[which], truth / TOKENS, atol=1e-4)
        again = watersic.Stats(self.context, COLUMNS)
        again.add_pair_moments(TOKENS, *moments.values())
        for which, moment in moments.items():
            assert_allclose(again.moment(which), moment, rtol=1e-12, atol=1e-12)

    def test_statistics_are_additive_and_kept_in_files(self):
        stats, other = statistics(self.context), watersic.Stats(watersic.Context(), COLUMNS)
        other.add_covariance(numpy.eye(COLUMNS), 100)
        before = stats.covariance()
        stats.merge(other)
        assert_allclose(stats.covariance(),
                        (before * TOKENS + 100 * numpy.eye(COLUMNS)) / (TOKENS + 100), rtol=1e-12)
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x.wstat")
            stats.save(path)
            assert_array_equal(watersic.Stats.load(self.context, path).covariance(),
                               stats.covariance())

    def test_layer_follows_the_formula(self):
        made = layer(self.context)
        codes = made.codes(dtype="i32")
        truth = made.row_scales[:, None] * (made.column_scales * codes.astype(numpy.float32))
        assert_array_equal(made.dequantize(), truth)
        assert_array_equal(made.codes(), codes)
        self.assertEqual(made.code_range, (codes.min(), codes.max()))
        assert_array_equal(made.coded_order(), codes[:, made.column_order])
        assert_array_equal(made.dequantize(slice(3, 9), slice(5, None)), truth[3:9, 5:])
        assert_array_equal(made.dequantize(dtype=numpy.float64), truth)
        assert_array_equal(made.dequantize(dtype="f16"), truth.astype(numpy.float16))
        assert_allclose(from_bf16(made.dequantize(dtype="bf16").bits), truth, rtol=1 / 128)

    def test_four_bits(self):
        made = layer(self.context, rate=1.5, codes_fit_i4=True)
        self.assertTrue(made.info.codes_fit_i4)
        packed = made.codes(dtype="i4", columns=slice(0, 7))
        self.assertEqual(packed.shape, (ROWS, 7))
        low, high = packed.packed & 15, packed.packed >> 4
        codes = numpy.stack([low, high], 2).reshape(ROWS, 8)[:, :7].astype(numpy.int8)
        assert_array_equal(codes - 16 * (codes > 7), made.codes(columns=slice(0, 7)))

    def test_products(self):
        made, x = layer(self.context), activations(7)[:5]
        truth = x.astype(numpy.float64) @ made.dequantize(dtype="f64").T
        y = made.matmul(x)
        assert_allclose(y, truth, rtol=1e-4, atol=1e-5)
        assert_array_equal(made.matmul(x[2]), y[2])
        assert_array_equal(made.matmul(x, rows=slice(8, 20)), y[:, 8:20])
        wide = numpy.full((5, 2 * ROWS), 7, numpy.float32)
        self.assertIs(made.matmul(x, out=wide[:, ROWS:]).base, wide)
        assert_array_equal(wide, numpy.hstack([numpy.full((5, ROWS), 7), y]))
        part = made.matmul(numpy.ascontiguousarray(x[:, 16:]), columns=slice(16, None))
        masked = x.copy()
        masked[:, :16] = 0
        assert_array_equal(part, made.matmul(masked))

    def test_jobs_on_threads(self):
        made, x = layer(self.context), activations(7)[:5]
        context = watersic.Context(threads=2)
        jobs = [made.codes_job(slice(0, 9)), made.dequantize_job(), made.matmul_job(x)]
        codes, restored, y = context.run(jobs)
        assert_array_equal(codes, made.codes()[:9])
        assert_array_equal(restored, made.dequantize())
        assert_array_equal(y, made.matmul(x))

    def test_bytes_do_not_depend_on_how_they_are_given(self):
        stats = statistics(self.context)
        w = weights()
        gaps = numpy.zeros((ROWS, COLUMNS + 9), numpy.float32)
        gaps[:, :COLUMNS] = w
        encoder = watersic.Encoder(self.context, rate=2)
        made = encoder.run(stats, w)
        self.assertEqual(bytes(encoder.run(stats, gaps[:, :COLUMNS]).data), bytes(made.data))
        self.assertEqual(bytes(encoder.run(stats, w.astype(numpy.float64)).data), bytes(made.data))
        with watersic.Problem(self.context, stats, w) as problem:
            self.assertEqual(bytes(encoder.run_problem(problem).data), bytes(made.data))
        with watersic.Context(threads=2) as other:
            again = watersic.Encoder(other, rate=2).run(statistics(other), w)
        self.assertEqual(bytes(again.data), bytes(made.data))
        self.assertGreater(encoder.report.passes, 0)

    def test_problem(self):
        stats = statistics(self.context)
        outputs = watersic.Stats(self.context, ROWS)
        outputs.add(numbers((256, ROWS), 9))
        encoder = watersic.Encoder(self.context, "fast", rate=2)
        with watersic.Problem(self.context, stats, weights()) as problem:
            problem.set_dead_rows([3, 0])
            problem.set_dead_columns(range(4))
            self.assertGreater(encoder.estimate_memory_problem(problem), 0)
            restored = encoder.run_problem(problem).dequantize()
            self.assertFalse(restored[[0, 3]].any() or restored[:, :4].any())
            self.assertTrue(restored[1:3, 4:].any())
            problem.set_outputs(outputs)
            encoder.run_problem(problem)
            self.assertGreater(encoder.report.divergence, 0)
            problem.set_output_diagonal(numpy.linspace(1, 2, ROWS))
            outputs.add(numbers((1, ROWS)))  # it is not borrowed any more
            encoder.run_problem(problem)
            self.assertGreater(encoder.report.divergence, 0)

    def test_parameters(self):
        encoder = watersic.Encoder(self.context, quantizer="rdo", rate=numpy.float64(1.5))
        encoder["limit"] = True
        self.assertEqual([encoder[n] for n in ("quantizer", "rate", "limit")], ["rdo", 1.5, 1])
        self.assertIn("rate=1.5", encoder.parameters)
        self.assertEqual([p.id for p in watersic.parameters()], list(watersic.Parameter))
        self.assertIn("paper", watersic.preset_names())
        for info in watersic.parameters():
            self.assertIsInstance(encoder[info.name], (int, float, str), info.name)
        encoder.set_preset("paper")
        self.assertEqual(encoder["quantizer"], "scalar")

    def test_plan_and_budget(self):
        stats, encoder = statistics(self.context), watersic.Encoder(self.context, "fast")
        matrices = [weights(2), 4 * weights(3), weights(4)]
        plan = watersic.Plan(self.context)
        self.assertEqual([plan.add(stats, w) for w in matrices], [0, 1, 2])
        budget = len(matrices) * ROWS * COLUMNS * 3 // 8
        plan.solve_budget(budget)
        self.assertGreater(plan[1].target_rate, plan[0].target_rate + 1)
        spent = 0
        for k, w in enumerate(matrices):
            encoder.set_plan(plan, k)
            spent += (size := encoder.run(stats, w).info.bytes)
            plan.commit(k, size)
        self.assertLess(abs(spent / budget - 1), 0.01)
        plan = watersic.Plan(self.context)
        with watersic.Problem(self.context, stats, weights()) as problem:
            plan.add_problem(problem)
        plan.solve_rate(2)
        self.assertAlmostEqual(plan.column_rates(-1).mean(), 2, places=6)
        self.assertEqual(len(plan), 1)

    def test_archive(self):
        first, second = layer(self.context), layer(self.context, rate=2)
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "ä.wsic")
            with watersic.ArchiveWriter(self.context, path, alignment=4096) as writer:
                writer.add("erste Ä", first)
                expected = writer.size("b", second.info.bytes)
                writer.add("b", second)
                self.assertEqual(writer.size(), expected)
                self.assertEqual((writer.names, len(writer)), (["erste Ä", "b"], 2))
                assert_array_equal(writer.load_layer(-1).data, second.data)
            self.assertEqual(os.path.getsize(path), expected)
            archive = watersic.Archive(self.context, path)
            self.assertEqual(dict(archive).keys(), {"erste Ä", "b"})
            self.assertEqual(archive.alignment, 4096)
            self.assertIn("library", archive.metadata)
            viewed = archive.view_layer("b")
            with open(path, "rb") as file:
                whole = file.read()
            offset, size = archive.extent("b")
            self.assertEqual(whole[offset:offset + size], bytes(second.data))
            archive.close()
            assert_array_equal(viewed.codes(), second.codes())
            in_memory = watersic.Archive(self.context, whole)
            viewed = in_memory.view_layer(0)
            del whole, in_memory
            assert_array_equal(viewed.dequantize(), first.dequantize())

    def test_resumed_archive(self):
        made = layer(self.context)
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x.wsic")
            with self.assertRaises(KeyError):
                with watersic.ArchiveWriter(self.context, path, resume=True) as writer:
                    writer.add("a", made)
                    raise KeyError
            self.assertFalse(os.path.exists(path))
            with watersic.ArchiveWriter(self.context, path, resume=True) as writer:
                self.assertEqual(writer.names, ["a"])
            self.assertEqual(list(watersic.Archive(self.context, path)), ["a"])

    def test_views_keep_their_bytes(self):
        made = layer(self.context)
        codes = made.codes()
        for source in (bytes(made.data), bytearray(made.data), made.data.copy()):
            viewed = watersic.Layer.view(self.context, source)
            del source
            assert_array_equal(viewed.codes(), codes)
        with tempfile.TemporaryFile() as file:
            file.write(made.data)
            file.flush()
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            viewed = watersic.Layer.view(self.context, mapping)
            with self.assertRaises(BufferError):
                mapping.close()
            assert_array_equal(viewed.codes(), codes)
            viewed.close()
            mapping.close()

    def test_other_scales(self):
        made = layer(self.context)
        twice = made.with_scales(column_scales=2 * made.column_scales)
        assert_array_equal(twice.codes(), made.codes())
        assert_array_equal(twice.dequantize(), 2 * made.dequantize())

    def test_rate_that_cannot_be_met(self):
        encoder = watersic.Encoder(self.context, rate=0.02)
        with self.assertWarns(watersic.RateWarning):
            made = encoder.run(statistics(self.context), weights()[:2])
        self.assertEqual(made.shape, (2, COLUMNS))

    def test_log_and_progress(self):
        lines, fractions = [], []
        context = watersic.Context(log=lambda level, text: lines.append((level, text)),
                                   log_level=watersic.LogLevel.DEBUG,
                                   progress=lambda fraction, stage: fractions.append(fraction))
        layer(context)
        self.assertTrue(lines and all(isinstance(t, str) for _, t in lines))
        self.assertEqual((fractions, fractions[-1]), (sorted(fractions), 1))

    def test_memory(self):
        context = watersic.Context()
        stats = watersic.Stats(context, COLUMNS)
        self.assertGreaterEqual(context.memory, 8 * COLUMNS**2)
        self.assertGreaterEqual(context.memory_peak, context.memory)
        stats.close()
        self.assertEqual(context.memory, 0)
        context.set_memory_limit(1000)
        with self.assertRaises(MemoryError):
            watersic.Stats(context, COLUMNS)

    def test_kernels(self):
        context = watersic.Context()
        context.set_kernels(watersic.Kernels.C)
        self.assertEqual(context.kernels, watersic.Kernels.C)
        self.assertGreater(watersic.processors(), 0)

    def test_waterfilling(self):
        values = numpy.array([4.0, 1.0, 0.25])
        rate, level = watersic.waterfill.rate(values, 1.0, 0.25)
        self.assertEqual((rate, level), (numpy.log2([4, 2, 1]).sum() / 3, 0.25))
        self.assertEqual(watersic.waterfill.distortion(values, 1.0, 1.0)[0], 0.25)
        assert_allclose(watersic.waterfill.component_rates(values, 1.0, 0.25), [2, 1, 0])
        two = watersic.waterfill.product_rate(numpy.ones(1), values, 1.0, 0.25)
        assert_allclose(two, (rate, level))
        two = watersic.waterfill.product_distortion(numpy.ones(1), values, 1.0, 1.0)
        assert_allclose(two, (0.25, 0.25))


if __name__ == "__main__":
    warnings.simplefilter("error")
    unittest.main()
