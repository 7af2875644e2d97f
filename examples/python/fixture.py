# SPDX-License-Identifier: MIT
"""A small layer for the tests."""

import numpy

import watersic

ROWS, COLUMNS, TOKENS = 48, 64, 512


def numbers(shape, seed=1):
    return numpy.random.default_rng(seed).normal(size=shape).astype(numpy.float32)


def activations(seed=1):
    """Correlated inputs."""
    return numpy.cumsum(numbers((TOKENS, COLUMNS), seed) * 0.3, axis=1, dtype=numpy.float32)


def weights(seed=2):
    return numbers((ROWS, COLUMNS), seed) * numpy.float32(0.02)


def statistics(context):
    stats = watersic.Stats(context, COLUMNS)
    stats.add(activations())
    return stats


def layer(context, **parameters):
    with watersic.Encoder(context, "fast", **(parameters or {"rate": 3})) as encoder:
        return encoder.run(statistics(context), weights())
