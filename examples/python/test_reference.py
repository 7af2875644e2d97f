# SPDX-License-Identifier: MIT
"""The package writes the archive of examples/bindings/reference.c with the same bytes.
Usage: test_reference.py PROGRAM"""

import os
import subprocess
import sys
import tempfile

import numpy

import watersic

ROWS, COLUMNS, TOKENS, DEAD_ROW, BUDGET = 48, 64, 256, 5, 1600


def noise(state=1):
    """Numbers between -1 and 1 that look random."""
    while True:
        state = (state * 1664525 + 1013904223) % 2**32
        yield numpy.float32(state - (state >> 31 << 32)) / numpy.float32(2**31)


numbers = noise()
weights = numpy.empty((ROWS, COLUMNS), numpy.float32)
for index in numpy.ndindex(*weights.shape):
    weights[index] = numpy.float32(0.02) * next(numbers)
activations = numpy.empty((TOKENS, COLUMNS), numpy.float32)
for token in activations:
    previous = numpy.float32(0)
    for column in range(COLUMNS):
        token[column] = previous = numpy.float32(0.875) * previous + next(numbers)
others = numpy.float32(0.5) * weights


def write(path):
    context = watersic.Context()
    stats = watersic.Stats(context, COLUMNS)
    for batch in numpy.split(activations, 2):
        stats.add(batch)
    encoder = watersic.Encoder(context)
    with watersic.ArchiveWriter(context, path) as writer:
        writer.set_metadata("purpose", "reference")
        encoder["rate"] = 2
        writer.add("plain", encoder.run(stats, weights))
        with watersic.Problem(context, stats, weights) as problem:
            problem.set_dead_rows([DEAD_ROW])
            encoder.set_preset("fast")
            encoder["rate"] = 3
            writer.add("problem", encoder.run_problem(problem))
        encoder.set_preset("default")
        plan = watersic.Plan(context)
        matrices = [weights, others]
        for matrix in matrices:
            plan.add(stats, matrix)
        plan.solve_budget(BUDGET)
        for index, matrix in enumerate(matrices):
            encoder.set_plan(plan, index)
            layer = encoder.run(stats, matrix)
            plan.commit(index, layer.info.bytes)
            writer.add(f"planned.{index}", layer)


with tempfile.TemporaryDirectory() as directory:
    ours, theirs = (os.path.join(directory, name) for name in ("ours", "theirs"))
    write(ours)
    subprocess.run([sys.argv[1], theirs], check=True)
    with open(ours, "rb") as first, open(theirs, "rb") as second:
        assert first.read() == second.read(), "the bytes differ"
