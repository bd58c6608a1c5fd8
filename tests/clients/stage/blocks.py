"""Blocks of code in the documentation that are marked to be run, and the answers shown below them.

A fence is run if `run` follows its language, and a part of a recipe (recipes.py) if `drive` does; a fence marked `answer` right after one shows what it
prints. What answers hold is written by a run, never by hand.
"""

import dataclasses
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
USUAL = "http://127.0.0.1:8787"


@dataclasses.dataclass(frozen=True)
class Block:
    file: pathlib.Path
    line: int
    language: str
    # Words after the mark, such as the environment that it needs.
    needs: tuple[str, ...]
    code: str
    # The language and the text of what it prints, if the page shows it.
    shown: tuple[str, str] | None

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def marked(how: str) -> list[Block]:
    """Every block that is marked so, in the order of files and lines."""
    return [block for file in sorted((ROOT / "docs").rglob("*.md")) for block in _blocks(file, how)]


def _blocks(file: pathlib.Path, how: str) -> list[Block]:
    text = file.read_text()
    fences = list(FENCE.finditer(text))
    found = []
    for at, fence in enumerate(fences):
        language, *words = fence["info"].split() or [""]
        if words[:1] != [how]:
            continue
        after = fences[at + 1] if at + 1 < len(fences) else None
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(file, line, language, tuple(words[1:]), fence["code"], _shown(text, fence, after)))
    return found


def _shown(text: str, fence: re.Match, after: re.Match | None) -> tuple[str, str] | None:
    """The answer is the next fence, and nothing stands between the two."""
    if after is None or text[fence.end() : after.start()].strip():
        return None
    language, *words = after["info"].split() or [""]
    return (language, after["code"]) if words == ["answer"] else None


def printed(language: str, output: str) -> str:
    """What a block printed, as its page shows it."""
    if language != "json":
        return output.rstrip("\n") + "\n"
    # Costs keep the digits that they were written with.
    marked = json.loads(output, parse_float=lambda digits: f"<<{digits}>>")
    text = json.dumps(marked, indent=2, ensure_ascii=False)
    return re.sub(r'"<<([0-9.eE+-]+)>>"', r"\1", text) + "\n"


def write(block: Block, answer: str) -> None:
    """Puts what a block printed below it."""
    language, old = block.shown
    text = block.file.read_text()
    place = text.index(block.code) + len(block.code)
    before, after = text[:place], text[place:]
    fence = f"```{language} answer\n"
    block.file.write_text(before + after.replace(fence + old, fence + answer, 1))
