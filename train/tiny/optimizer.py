"""Muon for the matrices of layers, AdamW for what is looked up and for scales.

Muon makes the step of a matrix orthogonal before it is taken, so that all directions are learned alike;
with few tokens that is worth about a third of them. Its steps have the size that Adam's would have,
so one rate serves both.
"""

import torch

MOMENTUM = 0.95
DECAY = 0.05
# The size of a number in Adam's steps, as seen in practice.
STEP_SIZE = 0.2


def orthogonal(matrix):
    """Near the orthogonal matrix that is nearest: five steps of Newton and Schulz's iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = (x if wide else x.T) / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.T).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    def __init__(self, matrices, lr):
        super().__init__(matrices, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                moved = state.setdefault("moved", torch.zeros_like(weight))
                moved.lerp_(weight.grad, 1 - MOMENTUM)
                ahead = weight.grad.lerp(moved, MOMENTUM)
                size = STEP_SIZE * max(weight.shape) ** 0.5
                weight.mul_(1 - group["lr"] * DECAY)
                weight.add_(orthogonal(ahead), alpha=-group["lr"] * size)


def optimizers_of(model, lr):
    matrices = [weight for weight in model.blk.parameters() if weight.ndim == 2]
    others = [model.token_embd.weight, *(w for w in model.parameters() if w.ndim == 1)]
    adam = torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    return [Muon(matrices, lr), adam]
