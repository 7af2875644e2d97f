/* SPDX-License-Identifier: MIT */
/* What the objects of watersic.hpp compute, and that whatever a program does wrong is an exception
 * or does not compile. */
#include "watersic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <future>
#include <limits>
#include <string>

#include "check_main.h"

namespace ws = watersic;

namespace {

constexpr std::size_t rows = 48, columns = 64, tokens = 512;

std::vector<float> noise(std::size_t count, unsigned seed)
{
    std::vector<float> numbers(count);
    for (float &number : numbers) {
        seed = seed * 1664525U + 1013904223U;
        number = static_cast<float>(static_cast<std::int32_t>(seed)) / 2147483648.0F;
    }
    return numbers;
}

std::vector<float> activations(unsigned seed = 1)
{
    std::vector<float> x = noise(tokens * columns, seed);
    for (std::size_t i = 0; i < x.size(); i++)
        x[i] += i % columns ? 0.9F * x[i - 1] : 0.0F;
    return x;
}

std::vector<float> weights(unsigned seed = 2) { return noise(rows * columns, seed); }

ws::stats statistics(const ws::context &context)
{
    ws::stats made(context, columns);
    made.add(ws::matrix_view(activations(), tokens, columns));
    return made;
}

ws::layer quantized(const ws::context &context, double rate = 3)
{
    return ws::encoder(context, "fast")
        .set(WSIC_RATE, rate)
        .run(statistics(context), ws::matrix_view(weights(), rows, columns));
}

std::vector<unsigned char> bytes_of(const ws::layer &layer)
{
    const auto bytes = layer.bytes();
    return {bytes.begin(), bytes.end()};
}

std::vector<std::int32_t> codes_of(const ws::layer &layer)
{
    std::vector<std::int32_t> codes(rows * columns);
    layer.codes(ws::matrix_span(codes, rows, columns));
    return codes;
}

/* Whether f() throws an error of this status whose text has these words. */
template <class Function> bool throws(wsic_status status, const std::string &words, Function f)
{
    try {
        f();
    } catch (const ws::error &error) {
        if (error.status() == status && std::string(error.what()).find(words) != std::string::npos)
            return true;
        std::fprintf(stderr, "%s: %s\n", error.name(), error.what());
    }
    return false;
}

struct interrupted {};

template <class Function> bool interrupts(Function f)
{
    try {
        f();
    } catch (const interrupted &) {
        return true;
    }
    return false;
}

/* --- what does not compile ---------------------------------------------------- */

template <class T>
constexpr bool moves_only =
    std::is_nothrow_move_constructible_v<T> &&std::is_nothrow_move_assignable_v<T> &&
    !std::is_copy_constructible_v<T>;
static_assert(moves_only<ws::stats> && moves_only<ws::problem> && moves_only<ws::plan> &&
              moves_only<ws::layer> && moves_only<ws::archive> && moves_only<ws::archive_writer>);
static_assert(!std::is_copy_constructible_v<ws::encoder>);

template <class Matrix, class Container>
constexpr bool takes = std::is_constructible_v<Matrix, Container &, std::size_t, std::size_t>;
static_assert(takes<ws::matrix_view, const std::vector<float>>);
static_assert(takes<ws::matrix_view, std::array<ws::bfloat16, 3>>);
static_assert(takes<ws::matrix_view, double[5]> && takes<ws::matrix_span, double[5]>);
static_assert(takes<ws::matrix_span, ws::span<std::int8_t>>);
static_assert(!takes<ws::matrix_span, const std::vector<float>>, "constant memory is not filled");
static_assert(!takes<ws::matrix_span, ws::span<const float>>, "constant memory is not filled");
static_assert(!takes<ws::matrix_view, std::vector<long long>>, "no number of the library");
static_assert(!takes<ws::matrix_view, std::vector<bool>> && !takes<ws::matrix_view, int>);

} // namespace

/* --- what is computed ------------------------------------------------------------ */

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

/* --- what is wrong ------------------------------------------------------------------ */

START_TEST(wrong_shapes)
{
    ws::context context;
    ws::stats stats = statistics(context);
    const std::vector<float> x = activations();
    std::vector<float> out(rows * columns);
    const std::vector<double> few(tokens - 1, 1.0);
    const ws::layer layer = quantized(context);
    const auto shape = WSIC_ERROR_SHAPE;
    ck_assert(
        throws(shape, "more than the 32768", [&] { ws::matrix_view(x, tokens + 1, columns); }));
    ck_assert(throws(shape, "", [&] { ws::matrix_view(x, SIZE_MAX, SIZE_MAX / 2); }));
    ck_assert(throws(shape, "", [&] { ws::matrix_view(x, SIZE_MAX / 8, 2, SIZE_MAX / 4); }));
    ck_assert(throws(shape, "stride 3", [&] { ws::matrix_view(x, 2, columns, 3); }));
    ck_assert(throws(shape, "no rows", [&] { ws::matrix_view(x, 0, columns); }));
    ck_assert(throws(shape, "activations", [&] { stats.add(ws::matrix_view(x, 4, columns - 1)); }));
    ck_assert(throws(shape, "511 weights", [&] { stats.add({x, tokens, columns}, few); }));
    ck_assert(throws(shape, "1 scales", [&] { layer.with_scales(std::array{1.0F}, {}); }));
    ck_assert(throws(WSIC_ERROR_ARGUMENT, "", [&] { layer.dequantize({out, 1, columns}, rows); }));
    ck_assert(throws(shape, "", [&] { layer.matmul({x, 2, columns}, {out, 3, rows}); }));
    ck_assert(throws(WSIC_ERROR_DTYPE, "", [&] { layer.codes({out, rows, columns}); }));
    ck_assert(throws(WSIC_ERROR_ARGUMENT, "", [&] { ws::plan{context}[3]; }));
    ck_assert(throws(WSIC_ERROR_ARGUMENT, "columns", [&] { ws::stats(context, 0); }));
    ck_assert(throws(WSIC_ERROR_ARGUMENT, "threads", [&] { context.set_threads(-1); }));
    ck_assert_uint_eq(stats.samples(), tokens);
}
END_TEST

START_TEST(error_text)
{
    ws::context context;
    std::vector<float> x = activations();
    x[columns + 3] = std::numeric_limits<float>::infinity();
    ws::stats stats(context, columns);
    ws::encoder encoder(context);
    ck_assert(throws(WSIC_ERROR_NOT_FINITE, "row 1, column 3",
                     [&] { stats.add(ws::matrix_view(x, tokens, columns)); }));
    ck_assert(throws(WSIC_ERROR_NOT_FOUND, "nonsense", [&] { encoder.set("nonsense", "1"); }));
    ck_assert(throws(WSIC_ERROR_ARGUMENT, "rate", [&] { encoder.set(WSIC_RATE, 99); }));
    ck_assert(
        throws(WSIC_ERROR_ARGUMENT, "NUL", [&] { encoder.set("rate", std::string("2\0", 2)); }));
    ck_assert(throws(WSIC_ERROR_STATE, "", [&] { encoder.report(); }));
    ck_assert(throws(WSIC_ERROR_NO_SAMPLES, "", [&] {
        encoder.set(WSIC_RATE, 2).run(stats, {weights(), rows, columns});
    }));
    std::vector<unsigned char> bytes = bytes_of(quantized(context));
    bytes[40] ^= 1;
    ck_assert(throws(WSIC_ERROR_CHECKSUM, "", [&] { ws::layer(context, bytes); }));
    context.set_memory_limit(1);
    ck_assert(throws(WSIC_ERROR_MEMORY_LIMIT, "", [&] { ws::plan more(context); }));
}
END_TEST

START_TEST(use_after_the_end)
{
    ws::context context;
    ws::layer layer = quantized(context);
    ws::layer moved = std::move(layer);
    const auto closed = [](auto f) { return throws(WSIC_ERROR_STATE, "closed or moved", f); };
    ck_assert(layer.closed() && !moved.closed());
    ck_assert(closed([&] { layer.info(); }));
    ws::stats stats = statistics(context);
    stats.close();
    stats.close();
    ws::encoder encoder(context);
    ck_assert(closed([&] { encoder.run(stats, {weights(), rows, columns}); }));
    ck_assert(closed([&] { ws::problem(context, stats, {weights(), rows, columns}); }));
    ck_assert(closed([&] { ws::plan(context).add(stats, {weights(), rows, columns}); }));
    std::vector<float> out(rows * columns);
    ck_assert(closed([&] { ws::job(layer, WSIC_JOB_WEIGHTS, {out, rows, columns}); }));
    std::array<ws::job, 1> jobs = {ws::job(moved, WSIC_JOB_WEIGHTS, {out, rows, columns})};
    moved.close(); /* the job keeps it */
    const ws::context other = std::move(context);
    other.run(jobs);
    ck_assert(out[0] != 0);
    ck_assert(throws(WSIC_ERROR_STATE, "moved", [&] { context.memory(); }));
    ck_assert(throws(WSIC_ERROR_STATE, "moved", [&] { ws::stats(context, 3); }));
    encoder.set(WSIC_RATE, 2); /* objects do not need the object of their context */
}
END_TEST

/* --- callbacks ------------------------------------------------------------------------ */

START_TEST(callbacks_cancel_and_throw)
{
    ws::context context;
    double last = 0;
    std::vector<std::string> lines;
    context.set_progress([&](double fraction, std::string_view) {
        last = fraction;
        return false;
    });
    context.set_log([&](wsic_log_level, std::string_view line) { lines.emplace_back(line); },
                    WSIC_LOG_DEBUG);
    quantized(context);
    ck_assert(last == 1 && !lines.empty());
    context.set_progress([](double, std::string_view) { return true; });
    ck_assert(throws(WSIC_ERROR_CANCELLED, "", [&] { quantized(context); }));
    unsigned calls = 0;
    context.set_progress([&](double, std::string_view) -> bool {
        calls++;
        throw interrupted();
    });
    ck_assert(interrupts([&] { quantized(context); }) && calls == 1);
    context.set_progress(nullptr);
    context.set_log([](wsic_log_level, std::string_view) { throw interrupted(); }, WSIC_LOG_DEBUG);
    ck_assert(interrupts([&] { quantized(context); }));
    context.set_log(nullptr);
    quantized(context);
    context.stop();
    ck_assert(throws(WSIC_ERROR_CANCELLED, "", [&] { statistics(context); }));
    context.resume();
    quantized(context);
    ck_assert_uint_eq(context.memory(), 0);
}
END_TEST

START_TEST(what_is_made_is_released_if_a_callback_throws)
{
    ws::context context;
    const std::vector<float> w = weights();
    const ws::stats stats = statistics(context);
    ws::encoder encoder(context, "fast");
    encoder.set(WSIC_STEP, 0.1);
    const std::uint64_t before = context.memory();
    context.set_progress([](double fraction, std::string_view) -> bool {
        if (fraction == 1) /* too late to cancel for good */
            throw interrupted();
        return false;
    });
    ck_assert(interrupts([&] { encoder.run(stats, ws::matrix_view(w, rows, columns)); }));
    ck_assert_uint_lt(context.memory(), before + 1000);
}
END_TEST

START_TEST(callbacks_use_their_context)
{
    ws::context context;
    std::optional<ws::layer> dropped = quantized(context);
    context.set_progress([&](double, std::string_view) {
        dropped.reset(); /* it ends when the call is over */
        return false;
    });
    quantized(context);
    ck_assert_uint_eq(context.memory(), 0);
    context.set_progress([&](double, std::string_view) -> bool { return context.memory() != 0; });
    ck_assert(throws(WSIC_ERROR_STATE, "callback", [&] { quantized(context); }));
    context.set_progress([&](double, std::string_view) {
        context.cancel();
        return false;
    });
    ck_assert(throws(WSIC_ERROR_CANCELLED, "", [&] { quantized(context); }));
}
END_TEST

/* --- threads ---------------------------------------------------------------------------- */

START_TEST(second_thread_is_refused)
{
    ws::context context;
    ws::layer dropped = quantized(context);
    std::promise<void> inside, go_on;
    bool first = true;
    context.set_progress([&](double, std::string_view) {
        if (std::exchange(first, false)) {
            inside.set_value();
            go_on.get_future().wait();
        }
        return false;
    });
    auto work = std::async(std::launch::async, [&] { quantized(context); });
    inside.get_future().wait();
    const auto busy = [](auto f) { return throws(WSIC_ERROR_STATE, "another thread", f); };
    const bool refused = busy([&] { context.memory(); }) && busy([&] { ws::plan more(context); }) &&
                         busy([&] { dropped.info(); });
    dropped.close();
    go_on.set_value();
    work.get();
    ck_assert(refused);
    ck_assert_uint_eq(context.memory(), 0);
}
END_TEST

/* Correct reads succeed, and wrong ones have their own message, at the same time. */
START_TEST(many_readers)
{
    ws::context context;
    const ws::layer layer = quantized(context, 7);
    const std::vector<std::int32_t> codes = codes_of(layer);
    const std::vector<unsigned char> bytes = bytes_of(layer);
    std::vector<std::future<bool>> readers;
    for (unsigned k = 0; k < 6; k++)
        readers.push_back(std::async(std::launch::async, [&] {
            bool good = true;
            std::array<ws::int4x2, columns / 2> narrow;
            for (unsigned repeat = 0; repeat < 30; repeat++) {
                good = good && codes_of(layer) == codes;
                good = good && ws::layer(context, bytes).info().rows == rows;
                good = good && throws(WSIC_ERROR_RANGE, "I4",
                                      [&] { layer.codes(ws::matrix_span(narrow, 1, columns)); });
            }
            return good;
        }));
    for (auto &reader : readers)
        ck_assert(reader.get());
}
END_TEST

START_TEST(cancel_from_another_thread)
{
    ws::context context;
    auto work = std::async(std::launch::async, [&] {
        return throws(WSIC_ERROR_CANCELLED, "", [&] {
            for (;;)
                quantized(context);
        });
    });
    context.stop();
    ck_assert(work.get());
}
END_TEST

int main()
{
    Suite *const suite = suite_create("cpp");
    TCase *const computed = tcase_create("computed"), *const wrong = tcase_create("wrong"),
                 *const callbacks = tcase_create("callbacks"),
                 *const threads = tcase_create("threads");

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
    tcase_add_test(wrong, wrong_shapes);
    tcase_add_test(wrong, error_text);
    tcase_add_test(wrong, use_after_the_end);
    tcase_add_test(callbacks, callbacks_cancel_and_throw);
    tcase_add_test(callbacks, what_is_made_is_released_if_a_callback_throws);
    tcase_add_test(callbacks, callbacks_use_their_context);
    tcase_add_test(threads, second_thread_is_refused);
    tcase_add_test(threads, many_readers);
    tcase_add_test(threads, cancel_from_another_thread);
    for (TCase *const group : {computed, wrong, callbacks, threads}) {
        tcase_set_timeout(group, 60);
        suite_add_tcase(suite, group);
    }
    return run_suite(suite);
}
