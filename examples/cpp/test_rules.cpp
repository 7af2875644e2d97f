/* SPDX-License-Identifier: MIT */
/* That whatever a program does wrong with watersic.hpp is an exception or does not compile. */
#include "fixture.hpp"

#include <array>
#include <cstring>
#include <future>
#include <limits>
#include <string>

#include "check_main.h"

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
    Suite *const suite = suite_create("cpp_rules");
    TCase *const wrong = tcase_create("wrong");
    TCase *const callbacks = tcase_create("callbacks");
    TCase *const threads = tcase_create("threads");

    tcase_add_test(wrong, wrong_shapes);
    tcase_add_test(wrong, error_text);
    tcase_add_test(wrong, use_after_the_end);
    tcase_add_test(callbacks, callbacks_cancel_and_throw);
    tcase_add_test(callbacks, what_is_made_is_released_if_a_callback_throws);
    tcase_add_test(callbacks, callbacks_use_their_context);
    tcase_add_test(threads, second_thread_is_refused);
    tcase_add_test(threads, many_readers);
    tcase_add_test(threads, cancel_from_another_thread);
    for (TCase *const group : {wrong, callbacks, threads}) {
        tcase_set_timeout(group, 60);
        suite_add_tcase(suite, group);
    }
    return run_suite(suite);
}
