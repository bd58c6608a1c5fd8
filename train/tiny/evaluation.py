"""How often a line is written as its author wrote it: the shipped file in the shipped engine, beside two
that did not learn.

The cases are lines of code (not comments, not lone brackets) of held-out files with what stands around
them. Copying and the 5-gram see all that the model saw: the case's prefix, and the texts it was trained on.
"""

import bisect
import json
import random
import re
import subprocess

import numpy as np

from .tokenizer import BEGIN

PREFIX_CHARACTERS, SUFFIX_CHARACTERS = 1500, 600
SUFFIX_MIN = 3
COPY_MAX = 200
LINE_TOKENS_MAX = 64


def cases_of(texts, many, seed):
    """Half of the cases begin within a line, half where a line begins."""
    chance, cases = random.Random(seed), []
    while len(cases) < many:
        text = chance.choice(texts)
        start = text.rfind("\n", 0, chance.randrange(len(text))) + 1
        line = text[start:].split("\n", 1)[0]
        bare = line.strip()
        if bare.startswith("//") or not re.search(r"\w", bare) or start < 200:
            continue
        kind = "line" if len(cases) % 2 else "rest"
        at = start + len(line) - len(line.lstrip())
        if kind == "rest":
            at += chance.randrange(1, len(bare)) if len(bare) > 1 else 0
        end = start + len(line)
        cases.append(
            {
                "kind": kind,
                "prefix": text[max(0, at - PREFIX_CHARACTERS) : at],
                "suffix": text[end : end + SUFFIX_CHARACTERS],
                "middle": text[at:end],
            }
        )
    return cases


class Copying:
    """What stood where the longest end of the prefix stood before: in the prefix, or where that has
    nothing as long, in the texts of the training."""

    def __init__(self, texts):
        self.texts = "\0".join(texts)

    def fill(self, case, everywhere):
        prefix = case["prefix"]
        # The end itself does not count as a place where it stood before.
        best, rest = longest_end(prefix[:-1], prefix)
        if everywhere:
            longer, other = longest_end(self.texts, prefix)
            best, rest = (longer, other) if longer > best else (best, rest)
        return rest.split("\n", 1)[0]


def longest_end(text, prefix):
    """How much of the end of a prefix stands in a text, and what follows it there."""

    def found(length):
        return text.rfind(prefix[len(prefix) - length :])

    most = min(len(prefix), COPY_MAX)
    length = bisect.bisect_left(range(1, most + 1), True, key=lambda length: found(length) < 0)
    if length < SUFFIX_MIN:
        return 0, ""
    at = found(length) + length
    return length, text[at : at + 400]


class FiveGram:
    """The likeliest token after the last four, or after fewer where those were never seen."""

    def __init__(self, texts, tokenizer):
        self.tokenizer = tokenizer
        self.size = len(tokenizer)
        stream = np.fromiter((t for text in texts for t in [BEGIN, *tokenizer.encode(text)]), dtype=np.int64)
        self.next = [self.likeliest(stream, order) for order in range(1, 5)]

    def likeliest(self, stream, order):
        """Of each run of `order` tokens, what followed it most."""
        key = np.zeros(len(stream) - order, dtype=np.int64)
        for at in range(order):
            key = key * self.size + stream[at : len(stream) - order + at]
        both, counts = np.unique(key * self.size + stream[order:], return_counts=True)
        runs, after = both // self.size, both % self.size
        sorted_ = np.lexsort((counts, runs))
        runs, after = runs[sorted_], after[sorted_]
        last = np.append(runs[1:] != runs[:-1], True)
        return runs[last], after[last]

    def fill(self, case):
        tokens, written = self.tokenizer.encode(case["prefix"]), []
        while len(written) < LINE_TOKENS_MAX and b"\n" not in self.tokenizer.pieces[(written or [0])[-1]]:
            written.append(self.after(tokens + written))
        return self.tokenizer.decode(written).split("\n", 1)[0]

    def after(self, tokens):
        for order in range(4, 0, -1):
            key = 0
            for token in tokens[-order:]:
                key = key * self.size + token
            runs, after = self.next[order - 1]
            at = np.searchsorted(runs, key)
            if at < len(runs) and runs[at] == key:
                return int(after[at])
        return int(self.next[0][1][0])


def filled(engine, weights, cases):
    """What the engine writes, by its example `fill`."""
    asked = "".join(json.dumps(case) + "\n" for case in cases)
    run = subprocess.run([*engine, str(weights)], input=asked, capture_output=True, text=True, check=True)
    print(run.stderr.strip().splitlines()[-1])
    return [json.loads(line) for line in run.stdout.splitlines()]


def exact(cases, answers, kind):
    """Of the cases of a kind, the part where the answer is the line. Spaces at its end do not count."""
    rows = [(case, answer) for case, answer in zip(cases, answers) if case["kind"] == kind]
    return sum(case["middle"].rstrip() == answer.rstrip() for case, answer in rows) / len(rows)


def evaluate(engine, weights, trained, held, tokenizer, many):
    """Rows of a table: set, kind, and the part that was exact for each way of filling."""
    copying, ngram, rows = Copying(trained), FiveGram(trained, tokenizer), []
    for name, texts in held.items():
        cases = cases_of(texts, many, seed=name)
        answers = {
            "vane-tiny": filled(engine, weights, cases),
            "copying": [copying.fill(case, True) for case in cases],
            "copying, of the prefix only": [copying.fill(case, False) for case in cases],
            "5-gram": [ngram.fill(case) for case in cases],
        }
        for kind in ("rest", "line"):
            rows.append({"set": name, "kind": kind, "cases": sum(case["kind"] == kind for case in cases)})
            rows[-1] |= {way: round(100 * exact(cases, given, kind), 1) for way, given in answers.items()}
    return rows
