# SPDX-License-Identifier: MIT
"""Statistics of the inputs of the linear layers of a PyTorch model.

    with Collector(context, model) as collector:
        ... run the model on calibration text ...
    collector.save("STATISTICS")     # for watersic-llm quantize --tensors ... --statistics
"""

import os

import numpy
import torch

from .errors import ClosedError
from .matrices import BF16
from .stats import Stats


def as_matrix(tensor):
    """A tensor of any shape as a matrix whose rows have the length of its last dimension. If the
    tensor is contiguous and in the memory of the processor, nothing is copied."""
    tensor = tensor.detach().reshape(-1, tensor.shape[-1]).cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        return BF16(tensor.view(torch.int16).numpy().view(numpy.uint16))
    return tensor.numpy()


class Collector:
    """Watches all torch.nn.Linear of a model, or those that select(name, module) chooses.

    stats is a dict from the names of the modules to their Stats; modules that have not been run
    are absent. A tensor that does not fit raises from the forward pass of the model.
    """

    def __init__(self, context, model, select=lambda name, module: True):
        self.stats = {}
        self._context = context
        self._hooks = [
            module.register_forward_pre_hook(self._hook(name))
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and select(name, module)
        ]
        if not self._hooks:
            raise ValueError("the model has no linear layer that was selected")

    def _hook(self, name):
        def add(module, inputs):
            if name not in self.stats:
                self.stats[name] = Stats(self._context, module.in_features)
            self.stats[name].add(as_matrix(inputs[0]))

        return add

    def close(self):
        """Stop watching. The statistics stay."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def __enter__(self):
        if not self._hooks:
            raise ClosedError("this Collector is closed")
        return self

    def __exit__(self, *_):
        self.close()

    def save(self, directory):
        """Write directory/NAME.wstat for every module that has been run."""
        for name, stats in self.stats.items():
            stats.save(os.path.join(directory, name + ".wstat"))
