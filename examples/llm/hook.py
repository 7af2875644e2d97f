# SPDX-License-Identifier: MIT
"""Covariances of the inputs of all linear layers of a PyTorch model, for
watersic-llm quantize --tensors ... --statistics DIRECTORY:

    finish = watch(model, "DIRECTORY")
    ... run the model on calibration text ...
    finish()
"""

import numpy
import torch


def watch(model, directory):
    sums, hooks = {}, []

    def add(module, inputs, name):
        x = inputs[0].detach().reshape(-1, inputs[0].shape[-1]).double()
        moment, count = sums.get(name, (0, 0))
        sums[name] = (moment + (x.T @ x).cpu(), count + len(x))

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            hook = lambda module, inputs, name=name: add(module, inputs, name)
            hooks.append(module.register_forward_pre_hook(hook))

    def finish():
        for hook in hooks:
            hook.remove()
        for name, (moment, count) in sums.items():
            numpy.save(f"{directory}/{name}.covariance.npy", (moment / count).numpy())

    return finish
