/* SPDX-License-Identifier: MIT */
/* Writes the archive of examples/bindings/reference.c, and compares it with the one that the
 * program of C writes. Usage: test_reference PROGRAM */
#include "watersic.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

namespace ws = watersic;

namespace {

constexpr std::size_t rows = 48, columns = 64, tokens = 256, dead_row = 5, budget = 1600;

/* Numbers between -1 and 1 that look random. */
float noise()
{
    static std::uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0F;
}

struct data {
    std::vector<float> weights = std::vector<float>(rows * columns);
    std::vector<float> others = weights;
    std::vector<float> activations = std::vector<float>(tokens * columns);

    data()
    {
        for (float &weight : weights)
            weight = 0.02F * noise();
        for (std::size_t i = 0; i < activations.size(); i++)
            activations[i] = 0.875F * (i % columns ? activations[i - 1] : 0.0F) + noise();
        for (std::size_t i = 0; i < others.size(); i++)
            others[i] = 0.5F * weights[i];
    }
};

ws::stats collect(const ws::context &context, const data &from)
{
    ws::stats stats(context, columns);
    const std::size_t half = from.activations.size() / 2;
    for (const float *first : {from.activations.data(), from.activations.data() + half})
        stats.add(ws::matrix_view(ws::span(first, half), tokens / 2, columns));
    return stats;
}

void write(const std::string &path)
{
    const data from;
    const ws::matrix_view weights(from.weights, rows, columns), others(from.others, rows, columns);
    const ws::context context;
    const ws::stats stats = collect(context, from);
    ws::encoder encoder(context);
    ws::archive_writer writer(context, path);
    writer.set_metadata("purpose", "reference");
    writer.add("plain", encoder.set(WSIC_RATE, 2).run(stats, weights));

    ws::problem problem(context, stats, weights);
    problem.set_dead_rows(std::array{dead_row});
    writer.add("problem", encoder.set_preset("fast").set(WSIC_RATE, 3).run(problem));

    encoder.set_preset("default");
    ws::plan plan(context);
    plan.add(stats, weights);
    plan.add(stats, others);
    plan.solve_budget(budget);
    for (std::size_t k = 0; k < 2; k++) {
        const ws::layer made = encoder.set_plan(plan, k).run(stats, k == 0 ? weights : others);
        plan.commit(k, made.info().bytes);
        writer.add("planned." + std::to_string(k), made);
    }
    writer.finish();
}

std::string contents(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

int main(int argc, char **argv)
{
    const std::string ours = "cpp_reference.wsic", theirs = "c_reference.wsic";
    if (argc != 2 || std::system((std::string(argv[1]) + " " + theirs).c_str()) != 0)
        return EXIT_FAILURE;
    write(ours);
    const std::string bytes = contents(ours);
    const bool same = !bytes.empty() && bytes == contents(theirs);
    std::remove(ours.c_str());
    std::remove(theirs.c_str());
    if (!same)
        std::cerr << "the bytes differ\n";
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
