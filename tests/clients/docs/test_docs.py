"""Every block of code in the documentation that is marked `run` is run as it is written, but for the address.

What a page shows as an answer is what was printed; `tests/clients/run --suite docs --write-answers`
writes it anew.
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest
from stage import blocks
from stage.fake import text

CLIENTS = pathlib.Path(os.environ["CLIENTS"])
LITELLM = CLIENTS / ".venv-litellm/bin/python"
# Numbers that differ from run to run.
VOLATILE = re.compile(r'("created": )\d+|(-|")[0-9a-f]{24,}"')
BLOCKS = blocks.marked("run")


def said(block):
    """What the fake says: code where code is asked for."""
    return "return a + b" if "suffix" in block.code else "Hello! How can I help you today?"


def command(block, place):
    code = block.code.replace(blocks.USUAL, os.environ["VANE_URL"])
    match block.language:
        case "sh":
            return ["sh", "-euc", code.replace("curl ", "curl -sS --fail-with-body ")]
        case "python":
            return [LITELLM if "litellm" in block.needs else sys.executable, "-c", code]
        case "js":
            # Beside the packages, so that an import finds them.
            placed = CLIENTS / "node_modules" / f".docs-{place}.mjs"
            placed.write_text(code)
            return [os.environ["NODE"], placed]
    raise ValueError(f"{block}: {block.language} cannot be run")


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block(fake, block):
    fake.script({"parts": [text(said(block))], "usage": {"prompt": 12, "completion": 9, "cached": 0}})
    run = subprocess.run(command(block, BLOCKS.index(block)), capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr + run.stdout
    assert run.stdout.strip(), "it prints nothing"
    if block.shown is None:
        return
    answer = blocks.printed(block.shown[0], run.stdout)
    if os.environ.get("WRITE_ANSWERS"):
        blocks.write(block, answer)
        return
    assert VOLATILE.sub("", answer) == VOLATILE.sub("", block.shown[1])


def test_there_are_blocks_of_every_kind():
    assert {block.language for block in BLOCKS} == {"sh", "python", "js"}
    assert len([block for block in BLOCKS if block.shown]) > 9
