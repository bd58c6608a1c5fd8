"""A Mistral model in PyTorch: grouped heads, rotary positions of neighbouring pairs, SwiGLU, RMSNorm,
and a head that is the embedding.

Weights lie as GGUF keeps them, so that export is a matter of names.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

THETA = 10_000.0
EPSILON = 1e-5


@dataclass
class Shape:
    vocabulary: int
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    context: int

    @property
    def head_size(self):
        return self.hidden // self.heads


def turns(shape, length):
    """Cosines and sines of each position, for each pair of a head's numbers."""
    pairs = torch.arange(0, shape.head_size, 2) / shape.head_size
    angles = torch.outer(torch.arange(length).float(), THETA**-pairs)
    return angles.cos(), angles.sin()


def turned(x, cos, sin):
    pairs = x.float().unflatten(-1, (-1, 2))
    even, odd = pairs[..., 0], pairs[..., 1]
    out = torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1)
    return out.flatten(-2).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        wide, narrow = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
        self.attn_norm = nn.RMSNorm(shape.hidden, EPSILON)
        self.attn_q = nn.Linear(shape.hidden, wide, bias=False)
        self.attn_k = nn.Linear(shape.hidden, narrow, bias=False)
        self.attn_v = nn.Linear(shape.hidden, narrow, bias=False)
        self.attn_output = nn.Linear(wide, shape.hidden, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.hidden, EPSILON)
        self.ffn_gate = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.ffn_up = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.ffn_down = nn.Linear(shape.inner, shape.hidden, bias=False)

    def forward(self, x, cos, sin):
        shape, inner = self.shape, self.attn_norm(x)
        heads = lambda y, many: y.unflatten(-1, (many, shape.head_size)).transpose(1, 2)
        q = turned(heads(self.attn_q(inner), shape.heads), cos, sin)
        k = turned(heads(self.attn_k(inner), shape.kv_heads), cos, sin)
        v = heads(self.attn_v(inner), shape.kv_heads)
        group = shape.heads // shape.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_output(seen.transpose(1, 2).flatten(2))
        inner = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(inner)) * self.ffn_up(inner))


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.hidden)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.hidden, EPSILON)
        cos, sin = turns(shape, shape.context)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(self.begin)

    def begin(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, Layer):
            for last in (module.attn_output, module.ffn_down):
                nn.init.zeros_(last.weight)

    def forward(self, tokens):
        many = tokens.shape[1]
        x = self.token_embd(tokens)
        for layer in self.blk:
            x = layer(x, self.cos[:many], self.sin[:many])
        return F.linear(self.output_norm(x), self.token_embd.weight)

    def loss(self, tokens, targets, weights):
        """The mean over all tokens, each counted by its weight."""
        logits = self(tokens).flatten(0, 1).float()
        each = F.cross_entropy(logits, targets.flatten(), reduction="none")
        return (each * weights.flatten()).sum() / weights.sum()


def parameters_of(model):
    return sum(weight.numel() for weight in model.parameters())
