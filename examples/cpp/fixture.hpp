/* SPDX-License-Identifier: MIT */
/* What the tests of watersic.hpp share: numbers, and objects made of them. */
#ifndef EXAMPLES_CPP_FIXTURE_HPP
#define EXAMPLES_CPP_FIXTURE_HPP

#include "watersic.hpp"

#include <cstdio>
#include <string>

namespace ws = watersic;

namespace fixture {

constexpr std::size_t rows = 48, columns = 64, tokens = 512;

inline std::vector<float> noise(std::size_t count, unsigned seed)
{
    std::vector<float> numbers(count);
    for (float &number : numbers) {
        seed = seed * 1664525U + 1013904223U;
        number = static_cast<float>(static_cast<std::int32_t>(seed)) / 2147483648.0F;
    }
    return numbers;
}

inline std::vector<float> activations(unsigned seed = 1)
{
    std::vector<float> x = noise(tokens * columns, seed);
    for (std::size_t i = 0; i < x.size(); i++)
        x[i] += i % columns ? 0.9F * x[i - 1] : 0.0F;
    return x;
}

inline std::vector<float> weights(unsigned seed = 2) { return noise(rows * columns, seed); }

inline ws::stats statistics(const ws::context &context)
{
    ws::stats made(context, columns);
    made.add(ws::matrix_view(activations(), tokens, columns));
    return made;
}

inline ws::layer quantized(const ws::context &context, double rate = 3)
{
    return ws::encoder(context, "fast")
        .set(WSIC_RATE, rate)
        .run(statistics(context), ws::matrix_view(weights(), rows, columns));
}

inline std::vector<unsigned char> bytes_of(const ws::layer &layer)
{
    const auto bytes = layer.bytes();
    return {bytes.begin(), bytes.end()};
}

inline std::vector<std::int32_t> codes_of(const ws::layer &layer)
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

} // namespace fixture

using namespace fixture;

#endif
