"""Byte-level pairs (BPE) in Tekken's manner: text is cut into words, and bytes are merged within them.

The pattern is that of Tekken, so that an engine which reads Tekken's files reads this vocabulary.
Control tokens come first and no text becomes one.
"""

import json
from collections import Counter, defaultdict
from pathlib import Path

import regex

PATTERN = regex.compile(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROLS = ["<unk>", "<s>", "</s>", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "<pad>", "[control_7]"]
BEGIN, END, PREFIX, SUFFIX = 1, 2, 3, 5
FIRST_BYTE = len(CONTROLS)
# What stands before a suffix while it is cut, so that it is cut as what goes on from something.
BEFORE = "\u263a"


class Tokenizer:
    def __init__(self, merges):
        """`merges`: pairs of tokens in the order in which they are merged."""
        self.merges = merges
        self.pieces = [b""] * FIRST_BYTE + [bytes([byte]) for byte in range(256)]
        for left, right in merges:
            self.pieces.append(self.pieces[left] + self.pieces[right])
        first = FIRST_BYTE + 256
        self.ranks = {tuple(pair): first + rank for rank, pair in enumerate(merges)}
        self.known = {}

    def __len__(self):
        return len(self.pieces)

    def encode(self, text):
        tokens = []
        for word in PATTERN.findall(text):
            found = self.known.get(word)
            if found is None:
                found = self.known[word] = self.merged(word.encode())
            tokens.extend(found)
        return tokens

    def encode_within(self, text):
        """The tokens of a text that goes on from another."""
        return self.encode(BEFORE + text)[len(self.encode(BEFORE)) :]

    def merged(self, word):
        tokens = [FIRST_BYTE + byte for byte in word]
        while len(tokens) > 1:
            pairs = zip(tokens, tokens[1:])
            best = min(pairs, key=lambda pair: self.ranks.get(pair, 1 << 30))
            if best not in self.ranks:
                break
            tokens = replaced(tokens, best, self.ranks[best])
        return tokens

    def decode(self, tokens):
        return b"".join(self.pieces[token] for token in tokens).decode("utf-8", "replace")

    def save(self, path: Path):
        path.write_text(json.dumps({"merges": self.merges}))

    @classmethod
    def load(cls, path: Path):
        return cls([tuple(pair) for pair in json.loads(path.read_text())["merges"]])


def replaced(tokens, pair, new):
    out, at = [], 0
    while at < len(tokens):
        if at + 1 < len(tokens) and (tokens[at], tokens[at + 1]) == pair:
            out.append(new)
            at += 2
        else:
            out.append(tokens[at])
            at += 1
    return out


def learn(texts, size):
    """The merges of a vocabulary of `size` tokens: the most frequent pair of neighbours, each time."""
    counts = Counter(word for text in texts for word in PATTERN.findall(text))
    words = [[FIRST_BYTE + byte for byte in word.encode()] for word in counts]
    times = list(counts.values())
    pairs, where = Counter(), defaultdict(set)
    for number, tokens in enumerate(words):
        for pair in zip(tokens, tokens[1:]):
            pairs[pair] += times[number]
            where[pair].add(number)
    merges = []
    for new in range(FIRST_BYTE + 256, size):
        # Of equals the smallest pair, so that the outcome does not depend on any order.
        best = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))
        merges.append(best)
        for number in where.pop(best):
            old = words[number]
            for pair in zip(old, old[1:]):
                pairs[pair] -= times[number]
            words[number] = replaced(old, best, new)
            for pair in zip(words[number], words[number][1:]):
                pairs[pair] += times[number]
                where[pair].add(number)
        pairs.pop(best, None)
    return merges
