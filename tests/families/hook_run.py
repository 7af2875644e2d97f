# SPDX-License-Identifier: MIT
"""The hook for PyTorch on a checkpoint of tests/data/families: forward.py computes, but every linear
layer is a module of PyTorch. Usage: hook_run.py HOOK CHECKPOINT DIRECTORY writes the covariances and
compares those that CHECKPOINT has."""

import importlib.util
import pathlib
import sys

import numpy as np
import torch

from forward import Model, read_tokens


def module_of(root, name):
    """The module of that name, with those on the way to it."""
    for part in name.split("."):
        if part not in dict(root.named_children()):
            root.add_module(part, torch.nn.Module())
        root = getattr(root, part)
    return root


class Watched(Model):
    def __init__(self, directory):
        super().__init__(directory)
        self.root = torch.nn.Module()
        for name in [n[: -len(".weight")] for n in self.tensors if n.endswith("proj.weight")]:
            weights = torch.tensor(self.tensor(name + ".weight"))
            layer = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False).double()
            layer.weight.data = weights
            parent, last = name.rsplit(".", 1)
            module_of(self.root, parent).add_module(last, layer)

    def linear(self, name, x):
        return module_of(self.root, name)(torch.tensor(x)).detach().numpy()


def main(hook, checkpoint, directory):
    spec = importlib.util.spec_from_file_location("hook", hook)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = Watched(checkpoint)
    finish = module.watch(model.root, directory)
    tokens = read_tokens(checkpoint)
    logits = model.logits(tokens)
    finish()
    expected = np.load(pathlib.Path(checkpoint) / "logits.npy")
    assert np.abs(logits - expected).max() < 1e-4
    compared = 0
    for path in pathlib.Path(checkpoint).glob("*.covariance.npy"):
        own, golden = np.load(pathlib.Path(directory) / path.name), np.load(path)
        assert np.abs(own - golden).max() <= 1e-9 * np.abs(golden).max(), path.name
        compared += 1
    written = len(list(pathlib.Path(directory).glob("*.covariance.npy")))
    print(f"{written} covariances written, {compared} of them compared")
    assert compared > 0


if __name__ == "__main__":
    main(*sys.argv[1:])
