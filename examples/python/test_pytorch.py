# SPDX-License-Identifier: MIT
"""The hooks for PyTorch, this package's and examples/llm/hook.py, against plain sums."""

import importlib.util
import os
import pathlib
import sys
import tempfile

import numpy

if importlib.util.find_spec("torch") is None:
    print("PyTorch is not installed")
    sys.exit(77)
import torch

import watersic
from watersic.pytorch import Collector, as_matrix

HOOK = pathlib.Path(__file__).parent.parent / "llm/hook.py"


def hook():
    spec = importlib.util.spec_from_file_location("hook", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Model(torch.nn.Module):
    """Two layers in a row, of which the second one sees what the first one makes."""

    def __init__(self):
        super().__init__()
        self.up = torch.nn.Linear(24, 40)
        self.down = torch.nn.Linear(40, 8)
        self.unused = torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.down(torch.tanh(self.up(x)))


def raises(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    return False


torch.manual_seed(1)
model, context = Model(), watersic.Context()
batches = [torch.randn(5, 17, 24) for _ in range(3)]
with tempfile.TemporaryDirectory() as directory:
    finish = hook().watch(model, directory)
    with Collector(context, model) as collector:
        for batch in batches:
            model(batch)
    finish()
    model(batches[0])  # nobody watches any more
    collector.save(directory)
    assert sorted(collector.stats) == ["down", "up"]
    tokens = torch.cat(batches).reshape(-1, 24)
    inputs = {"up": tokens, "down": torch.tanh(model.up(tokens))}
    for name, x in inputs.items():
        x = x.detach().double().numpy()
        truth = x.T @ x / len(x)
        assert collector.stats[name].samples == len(x) == 255
        numpy.testing.assert_allclose(collector.stats[name].covariance(), truth, atol=1e-5)
        theirs = numpy.load(os.path.join(directory, name + ".covariance.npy"))
        numpy.testing.assert_allclose(theirs, truth, atol=1e-5)
        loaded = watersic.Stats.load(context, os.path.join(directory, name + ".wstat"))
        numpy.testing.assert_array_equal(loaded.covariance(), collector.stats[name].covariance())

x = torch.randn(6, 24)
assert as_matrix(x).ctypes.data == x.data_ptr()
for kind in (torch.float64, torch.float16, torch.bfloat16):
    stats = watersic.Stats(context, 24)
    stats.add(as_matrix(x.to(kind)))
    given = x.to(kind).double().numpy()
    numpy.testing.assert_allclose(stats.covariance(), given.T @ given / 6, atol=1e-5)

encoder = watersic.Encoder(context, rate=3)
layer = encoder.run(collector.stats["up"], model.up.weight.detach().numpy())
assert layer.shape == (40, 24)

assert raises(ValueError, Collector, context, model, lambda name, module: False)
with Collector(context, model):
    assert raises(watersic.NumberError, model, torch.full((1, 24), float("nan")))
    assert raises(TypeError, model.up, torch.zeros(1, 24, dtype=torch.int32))
model(batches[0])
