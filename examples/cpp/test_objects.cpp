/* SPDX-License-Identifier: MIT */
/* What the objects of watersic.hpp compute. */
#include "fixture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "check_main.h"

START_TEST(covariance)
{
    const std::vector<float> x = activations();
    const std::vector<double> importance(tokens, 0.5);
    ws::context context;
    ws::stats stats(context, columns);
    stats.add(ws::matrix_view(x, tokens / 2, columns),
              ws::span<const double>(importance.data(), tokens / 2));
    stats.add(
        ws::matrix_view(ws::span(x.data() + x.size() / 2, x.size() / 2), tokens / 2, columns));
    ck_assert(stats.samples() == 0.75 * tokens && stats.columns() == columns);

    std::vector<double> found(columns * (columns + 3));
    stats.moment(WSIC_MOMENT_INPUT, ws::matrix_span(found, columns, columns, columns + 3));
    for (std::size_t i = 0; i < columns; i += 7) {
        for (std::size_t j = 0; j < columns; j += 5) {
            double sum = 0;
            for (std::size_t t = 0; t < tokens; t++)
                sum += (t < tokens / 2 ? 0.5 : 1.0) * x[t * columns + i] * x[t * columns + j];
            ck_assert(std::abs(found[i * (columns + 3) + j] - sum / (0.75 * tokens)) < 1e-4);
        }
    }
    const std::vector<double> spectrum = stats.spectrum();
    ck_assert(std::is_sorted(spectrum.rbegin(), spectrum.rend()));
}
END_TEST

START_TEST(pairs_and_files)
{
    ws::context context;
    ws::stats stats(context, columns);
    const std::vector<float> x = activations(3), y = activations(4), r = noise(tokens * rows, 5);
    stats.add_pair(ws::matrix_view(x, tokens, columns), ws::matrix_view(y, tokens, columns),
                   ws::matrix_view(r, tokens, rows));
    ck_assert(stats.has_pairs() && stats.residual_columns() == rows);
    const std::string path = "cpp_pairs.wstat";
    stats.save(path);
    ws::stats again = ws::stats::load(context, path);
    std::remove(path.c_str());
    again.merge(stats);
    ck_assert(again.samples() == 2 * tokens);
    std::vector<double> first(rows * columns), second(rows * columns);
    stats.moment(WSIC_MOMENT_RESIDUAL, ws::matrix_span(first, rows, columns));
    again.moment(WSIC_MOMENT_RESIDUAL, ws::matrix_span(second, rows, columns));
    for (std::size_t i = 0; i < first.size(); i++)
        ck_assert(std::abs(first[i] - second[i]) <= 1e-12);
}
END_TEST

START_TEST(layer_follows_the_formula)
{
    ws::context context;
    const ws::layer layer = quantized(context);
    const std::vector<std::int32_t> codes = codes_of(layer);
    const std::vector<float> restored = layer.dequantize();
    for (std::size_t i = 0; i < rows * columns; i++) {
        const volatile float scaled =
            layer.column_scales()[i % columns] * static_cast<float>(codes[i]);
        const volatile float weight = layer.row_scales()[i / columns] * scaled;
        ck_assert(restored[i] == weight);
    }
    const auto [least, greatest] = layer.code_range();
    ck_assert_int_eq(least, *std::min_element(codes.begin(), codes.end()));
    ck_assert_int_eq(greatest, *std::max_element(codes.begin(), codes.end()));
    std::array<std::int8_t, 2 * columns> coded{};
    layer.coded_order(ws::matrix_span(coded, 2, layer.column_order().size(), columns), 5);
    ck_assert_int_eq(coded[columns + 3], codes[6 * columns + layer.column_order()[3]]);
    std::array<double, 4> some{};
    layer.dequantize(ws::matrix_span(some, 2, 2), 7, 9);
    ck_assert(static_cast<float>(some[3]) == restored[8 * columns + 10]);
}
END_TEST

START_TEST(four_bits)
{
    ws::context context;
    ws::encoder encoder(context, "fast");
    encoder.set(WSIC_RATE, 1.5).set(WSIC_CODES_FIT_I4, 1);
    const ws::layer layer =
        encoder.run(statistics(context), ws::matrix_view(weights(), rows, columns));
    std::vector<ws::int4x2> packed(rows * columns / 2);
    layer.codes(ws::matrix_span(packed, rows, columns));
    const std::vector<std::int32_t> codes = codes_of(layer);
    for (std::size_t i = 0; i < codes.size(); i++) {
        const int half = packed[i / 2].bits >> 4 * (i % 2) & 15;
        ck_assert_int_eq(half - 16 * (half > 7), codes[i]);
    }
    /* Three codes take two bytes in each row. */
    std::array<ws::int4x2, 4> two{};
    layer.codes(ws::matrix_span(two, 2, 3));
    ck_assert(throws(WSIC_ERROR_SHAPE, "3 elements",
                     [&] { layer.codes(ws::matrix_span(ws::span(two.data(), 3), 2, 3)); }));
}
END_TEST

START_TEST(products)
{
    ws::context context;
    const ws::layer layer = quantized(context);
    const std::vector<float> x = activations(7), restored = layer.dequantize();
    const ws::matrix_view first(x, 5, columns);
    const std::vector<float> y = layer.matmul(first);
    for (std::size_t i = 0; i < y.size(); i++) {
        double sum = 0;
        for (std::size_t j = 0; j < columns; j++)
            sum +=
                static_cast<double>(restored[i % rows * columns + j]) * x[i / rows * columns + j];
        ck_assert(std::abs(y[i] - sum) < 1e-4);
    }
    std::vector<float> wide(5 * 2 * rows, 7), part(5 * 8);
    layer.matmul(first, ws::matrix_span(wide, 5, rows, 2 * rows));
    ck_assert(wide[2 * rows] == y[rows] && wide[rows] == 7);
    context.set_threads(2);
    std::vector<float> again(rows * columns);
    std::array<ws::job, 2> jobs = {
        ws::job(layer, first, ws::matrix_span(part, 5, 8), 3),
        ws::job(layer, WSIC_JOB_WEIGHTS, ws::matrix_span(again, rows, columns))};
    context.run(jobs);
    ck_assert(part[8] == y[rows + 3] && again == restored);
}
END_TEST

START_TEST(problems)
{
    ws::context context;
    ws::stats stats = statistics(context), outputs(context, rows);
    outputs.add(ws::matrix_view(noise(256 * rows, 9), 256, rows));
    auto w = std::make_shared<std::vector<float>>(weights());
    const std::vector<float> copy = *w;
    ws::encoder encoder(context, "fast");
    encoder.set(WSIC_RATE, 2);
    const ws::layer plain = encoder.run(stats, ws::matrix_view(copy, rows, columns));
    std::weak_ptr<std::vector<float>> owner = w;
    ws::problem problem(context, stats, ws::matrix_view(*w, rows, columns), nullptr, w);
    w.reset();
    ck_assert(bytes_of(encoder.run(problem)) == bytes_of(plain));
    problem.set_dead_rows(std::array<std::size_t, 2>{3, 0});
    problem.set_dead_columns(std::vector<std::size_t>{1});
    ck_assert(encoder.estimate_memory(problem) > 0);
    const std::vector<float> restored = encoder.run(problem).dequantize();
    ck_assert(restored[3 * columns + 7] == 0 && restored[4 * columns + 1] == 0);
    problem.set_outputs(outputs);
    ck_assert(encoder.run(problem).info().bytes > 0 && encoder.report().divergence > 0);

    /* They are lent: they do not change, and live as long as they are needed. */
    const std::vector<float> x = activations();
    const auto add = [&] { stats.add(ws::matrix_view(x, tokens, columns)); };
    ck_assert(throws(WSIC_ERROR_STATE, "borrows", add));
    outputs.close();
    ck_assert(encoder.run(problem).info().bytes > 0);
    ck_assert(!owner.expired());
    problem.set_output_diagonal(std::vector<double>(rows, 3.0));
    ck_assert(encoder.run(problem).info().bytes > 0 && encoder.report().divergence > 0);
    ck_assert(throws(WSIC_ERROR_SHAPE, "", [&] { problem.set_output_diagonal(std::array{1.0}); }));
    problem.close();
    ck_assert(owner.expired());
    add();
}
END_TEST

START_TEST(plans)
{
    ws::context context;
    const ws::stats stats = statistics(context);
    const std::array<std::vector<float>, 2> matrices = {weights(2), noise(rows * columns, 3)};
    ws::plan plan(context);
    for (const auto &w : matrices)
        plan.add(stats, ws::matrix_view(w, rows, columns));
    plan.set_sensitivity(1, 64);
    const std::uint64_t budget = 2 * rows * columns * 3 / 8;
    plan.solve_budget(budget);
    ck_assert(plan[1].target_rate > plan[0].target_rate + 1);
    ws::encoder encoder(context, "fast");
    std::uint64_t spent = 0;
    for (std::size_t k = 0; k < plan.size(); k++) {
        const ws::layer made =
            encoder.set_plan(plan, k).run(stats, ws::matrix_view(matrices[k], rows, columns));
        plan.commit(k, made.info().bytes);
        spent += made.info().bytes;
    }
    ck_assert(spent > 0.99 * budget && spent < 1.01 * budget);
    plan.solve_rate(2);
    double sum = 0;
    for (const double rate : plan.column_rates(0))
        sum += rate;
    ck_assert(std::abs(sum / columns - 2) < 1e-6);
}
END_TEST

START_TEST(archives)
{
    ws::context context;
    const ws::layer first = quantized(context), second = quantized(context, 2);
    const std::string path = "cpp_test.wsic";
    {
        ws::archive_writer unfinished(context, path);
        unfinished.add("a", first);
    }
    ck_assert(throws(WSIC_ERROR_IO, "No such file", [&] { ws::archive(context, path); }));
    {
        ws::archive_writer::resume(context, path).add("a", first);
    }
    ws::archive_writer writer = ws::archive_writer::resume(context, path);
    ck_assert(writer.names() == std::vector<std::string>{"a"});
    const std::uint64_t expected = writer.bytes_with("b", second.info().bytes);
    writer.add("b", second);
    ck_assert(writer.bytes() == expected && bytes_of(writer.load(1)) == bytes_of(second));
    writer.finish();

    ws::archive archive(context, path);
    ck_assert(archive.bytes() == expected && archive.find("b") == 1 && archive.size() == 2);
    ck_assert(archive.metadata("library") && !archive.metadata("nothing"));
    const ws::layer loaded = archive.load("a"), viewed = archive.view("b");
    const auto [offset, size] = archive.extent(1);
    auto whole = std::make_shared<std::vector<unsigned char>>(expected);
    std::FILE *const file = std::fopen(path.c_str(), "rb");
    ck_assert_uint_eq(std::fread(whole->data(), 1, expected, file), expected);
    std::fclose(file);
    std::remove(path.c_str());
    archive.close();
    ck_assert(bytes_of(loaded) == bytes_of(first) && bytes_of(viewed) == bytes_of(second));

    const ws::layer piece = ws::layer::view(
        context, ws::span<const unsigned char>(whole->data() + offset, size), whole);
    ws::archive in_memory(context, *whole, whole);
    const ws::layer also = in_memory.view(0);
    in_memory.close();
    whole.reset();
    ck_assert(codes_of(piece) == codes_of(second) && codes_of(also) == codes_of(first));
}
END_TEST

START_TEST(other_scales)
{
    ws::context context;
    const ws::layer layer = quantized(context);
    std::vector<float> twice(layer.column_scales().begin(), layer.column_scales().end());
    for (float &scale : twice)
        scale *= 2;
    const ws::layer other = layer.with_scales({}, twice);
    ck_assert(codes_of(other) == codes_of(layer));
    ck_assert(other.dequantize()[5] == 2 * layer.dequantize()[5]);
}
END_TEST

START_TEST(parameters)
{
    ws::context context;
    ws::encoder encoder(context);
    encoder.set(WSIC_RATE, 2).set(WSIC_LIMIT, true).set("quantizer", "rdo");
    ck_assert(encoder.number(WSIC_RATE) == 2 && encoder.text("limit") == "1");
    ck_assert(encoder.parameters().find("quantizer=rdo") != std::string::npos);
    ck_assert(encoder.estimate_memory(rows, columns) > 0 && encoder.notice().empty());
    encoder.set(WSIC_RATE, 0.02);
    encoder.run(statistics(context), ws::matrix_view(weights(), 2, columns));
    ck_assert(!encoder.notice().empty());
    context.set_kernels(WSIC_KERNELS_C);
    ck_assert_int_eq(context.kernels(), WSIC_KERNELS_C);
    const std::array<double, 3> spectrum = {4, 1, 0.25};
    ck_assert(std::abs(ws::waterfill::rate(spectrum, 1, 0.25).value - 1) < 1e-12);
    ck_assert(std::abs(ws::waterfill::distortion(spectrum, 1, 1).water_level - 0.25) < 1e-12);
    ck_assert(ws::waterfill::component_rates(spectrum, 1, 0.25)[0] == 2);
    ck_assert(throws(WSIC_ERROR_ARGUMENT, "", [&] { ws::waterfill::rate(spectrum, 1, -1); }));
}
END_TEST

int main()
{
    Suite *const suite = suite_create("cpp_objects");
    TCase *const computed = tcase_create("computed");

    tcase_add_test(computed, covariance);
    tcase_add_test(computed, pairs_and_files);
    tcase_add_test(computed, layer_follows_the_formula);
    tcase_add_test(computed, four_bits);
    tcase_add_test(computed, products);
    tcase_add_test(computed, problems);
    tcase_add_test(computed, plans);
    tcase_add_test(computed, archives);
    tcase_add_test(computed, other_scales);
    tcase_add_test(computed, parameters);
    tcase_set_timeout(computed, 60);
    suite_add_tcase(suite, computed);
    return run_suite(suite);
}
