"""What the PyTorch libraries share: a step of Adam, evaluation and sampling without gradients."""

import torch


def runner(work, rng, parameters, log_prob, sample):
    x = torch.as_tensor(work.points(rng))
    if work.task == "log_prob":
        return without_gradients(lambda: log_prob(x))
    if work.task == "sample":
        return without_gradients(lambda: sample(work.batch))
    adam = torch.optim.Adam(parameters, fused=True)

    def step():
        adam.zero_grad()
        (-log_prob(x).mean()).backward()
        adam.step()

    return step


def without_gradients(f):
    def run():
        with torch.no_grad():
            f()

    return run
