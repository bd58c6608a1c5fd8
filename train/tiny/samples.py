"""What a model is asked while it learns: windows of files with a gap, as an editor asks for it.

The gap is laid out as Mistral's models have it: `<s> [SUFFIX] suffix [PREFIX] prefix`, then the middle
and `</s>`. Cursors stand within lines, at ends of lines and before lines, so the middle begins anywhere.
"""

import random

import torch

from .tokenizer import BEGIN, END, PREFIX, SUFFIX, Tokenizer

# Tokens of the middle count for more: they are what will be asked, and they are few.
MIDDLE_WEIGHT = 2.0
CHARACTERS_PER_TOKEN = 4


class Samples:
    """An endless stream of rows, all of a length; the same for the same seed."""

    def __init__(self, texts, tokenizer: Tokenizer, row: int, seed: int):
        self.texts, self.tokenizer, self.row = texts, tokenizer, row
        self.random = random.Random(seed)
        # Long files are asked more often, but not as often as they are long.
        self.chances = [min(len(text), 24_000) for text in texts]

    def rows(self, many):
        """Tokens, the tokens that follow them, and how much each of these counts."""
        rows = [self.one_row() for _ in range(many)]
        tokens = torch.tensor([row for row, _ in rows])
        weights = torch.tensor([weight for _, weight in rows])
        return tuple(part.contiguous() for part in (tokens[:, :-1], tokens[:, 1:], weights[:, 1:]))

    def one_row(self):
        tokens, weights = [], []
        while len(tokens) <= self.row:
            more, counts = self.sample()
            tokens += more
            weights += counts
        return tokens[: self.row + 1], weights[: self.row + 1]

    def sample(self):
        text = self.random.choices(self.texts, self.chances)[0]
        size = self.random.randint(300, 950 * CHARACTERS_PER_TOKEN)
        if self.random.random() < 0.1:
            return self.plain(text, size)
        start, end = self.gap(text)
        before = int(size * self.random.uniform(0.4, 0.9))
        prefix = text[max(0, start - before) : start]
        suffix = text[end : end + size - before]
        if self.random.random() < 0.1:
            suffix = ""
        return self.laid_out(prefix, text[start:end], suffix)

    def plain(self, text, size):
        start = self.random.randint(0, max(0, len(text) - size))
        start = text.rfind("\n", 0, start) + 1
        tokens = [BEGIN, *self.tokenizer.encode(text[start : start + size])]
        return tokens, [1.0] * len(tokens)

    def laid_out(self, prefix, middle, suffix):
        encode = self.tokenizer.encode
        asked = [BEGIN, SUFFIX, *self.tokenizer.encode_within(suffix), PREFIX, *encode(prefix)]
        # The middle is cut as what goes on from the prefix; a model writes it in such tokens.
        answer = [*self.tokenizer.encode_within(middle), END]
        return asked + answer, [0.0] + [1.0] * (len(asked) - 1) + [MIDDLE_WEIGHT] * len(answer)

    def gap(self, text):
        """Where a middle starts and ends."""
        cursor = self.random.randrange(len(text))
        line_start = text.rfind("\n", 0, cursor) + 1
        line_end = end_of_line(text, cursor)
        indent = line_start + len(text[line_start:line_end]) - len(text[line_start:line_end].lstrip())
        kind = self.random.random()
        if kind < 0.45:  # The rest of a line.
            return max(cursor, indent), line_end
        if kind < 0.60:  # A line, behind what indents it or with it.
            return self.random.choice((indent, line_start)), line_end
        if kind < 0.70:  # From the end of a line to the end of a later one.
            return line_end, end_of_line(text, line_end + 1)
        if kind < 0.85:  # Within a line: something stands behind the cursor.
            return cursor, self.random.randint(cursor, line_end)
        end = line_end
        for _ in range(self.random.randint(1, 6)):
            end = end_of_line(text, end + 1)
        return cursor, end


def end_of_line(text, at):
    if at >= len(text):
        return len(text)
    end = text.find("\n", at)
    return len(text) if end < 0 else end
