"""A checkpoint as GGUF: Q8_0 matrices, single-precision scales, and the vocabulary in Tekken's manner."""

import struct
from pathlib import Path

import numpy as np

from .model import EPSILON, THETA
from .tokenizer import BEGIN, CONTROLS, END, PREFIX, SUFFIX

ALIGNMENT = 32
BLOCK = 32
F32, Q8_0 = 0, 8
NORMAL, CONTROL = 1, 3


def letters():
    """The sign for each byte, by which GPT-2 and GGUF write pieces that are no text."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    signs = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        signs.setdefault(byte, chr(256 + len(signs) - len(plain)))
    return signs


LETTERS = letters()


def written(piece: bytes):
    return "".join(LETTERS[byte] for byte in piece)


def metadata_of(shape, tokenizer, facts):
    pieces = [written(piece) for piece in tokenizer.pieces]
    pieces[: len(CONTROLS)] = CONTROLS
    merges = [f"{pieces[left]} {pieces[right]}" for left, right in tokenizer.merges]
    kinds = [CONTROL] * len(CONTROLS) + [NORMAL] * (len(pieces) - len(CONTROLS))
    return {
        "general.architecture": "llama",
        **{f"general.{name}": value for name, value in facts.items()},
        "general.file_type": 7,
        "general.quantization_version": 2,
        "llama.vocab_size": shape.vocabulary,
        "llama.context_length": shape.context,
        "llama.block_count": shape.layers,
        "llama.embedding_length": shape.hidden,
        "llama.feed_forward_length": shape.inner,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": EPSILON,
        "llama.rope.dimension_count": shape.head_size,
        "llama.rope.freq_base": THETA,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "tekken",
        "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": BEGIN,
        "tokenizer.ggml.eos_token_id": END,
        "tokenizer.ggml.unknown_token_id": CONTROLS.index("<unk>"),
        "tokenizer.ggml.padding_token_id": CONTROLS.index("<pad>"),
        "tokenizer.ggml.fim_pre_token_id": PREFIX,
        "tokenizer.ggml.fim_suf_token_id": SUFFIX,
        "tokenizer.ggml.fim_mid_token_id": CONTROLS.index("[MIDDLE]"),
        "tokenizer.ggml.add_bos_token": True,
    }


def text(value):
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def value(of):
    """A value with the number of its kind before it."""
    match of:
        case bool():
            return struct.pack("<IB", 7, of)
        case int():
            return struct.pack("<II", 4, of)
        case float():
            return struct.pack("<If", 6, of)
        case str():
            return struct.pack("<I", 8) + text(of)
        case [int(), *_]:
            return struct.pack("<IIQ", 9, 5, len(of)) + struct.pack(f"<{len(of)}i", *of)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(of)) + b"".join(map(text, of))
    raise TypeError(type(of))


def q8_0(matrix):
    """Blocks of 32: a scale of half precision, and 32 numbers of eight bits."""
    blocks = matrix.reshape(-1, BLOCK).astype(np.float32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    whole = np.rint(blocks * inverse).astype(np.int8)
    return np.concatenate([scale.astype("<f2").view(np.int8), whole], axis=1).tobytes()


def tensors_of(weights):
    """Name, shape, kind and bytes of each, as GGUF names them. The head is the embedding: it has none of its own."""
    for name, weight in weights.items():
        array = weight.float().cpu().numpy()
        if array.ndim == 1:
            yield name, array.shape, F32, array.astype("<f4").tobytes()
        else:
            yield name, array.shape, Q8_0, q8_0(array)


def padded(bytes_):
    return bytes_ + b"\0" * (-len(bytes_) % ALIGNMENT)


def write(path: Path, metadata, tensors):
    tensors = list(tensors)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + value(of) for key, of in metadata.items())
    offset, data = 0, b""
    for name, shape, kind, content in tensors:
        head += text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", kind, offset)
        data += padded(content)
        offset = len(data)
    path.write_bytes(padded(head) + data)
