"""`python -m tiny WORK [STEP ...]`: fetch, prepare, train, export, evaluate, record; all in that order if none is named.

WORK is a folder outside of the repository: packages, texts, checkpoints and results stay there. Each step
goes on from what the last run left.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

from . import corpus
from .tokenizer import Tokenizer, learn

VOCABULARY = 4096
ROW = 1024
# Layers, hidden numbers, inner numbers, query heads, key heads.
SIZES = {"cpu": (6, 192, 512, 3, 1), "gpu": (10, 384, 1024, 6, 2)}
ENGINE = ["cargo", "run", "--quiet", "--package", "vane-engine", "--example", "fill", "--"]


@dataclass
class Budget:
    """How long, and in what portions: a step is `parts` times `rows` rows of `row` tokens."""

    minutes: float
    rate: float
    row: int
    rows: int
    parts: int


# What the machine can do in the time that is given: a night on two cores, twenty minutes on a GPU.
BUDGETS = {"cpu": Budget(480, 5e-3, ROW, 4, 1), "gpu": Budget(20, 3e-3, ROW, 32, 1)}


def fetch(work, _):
    corpus.fetch(work / "packages")


def prepare(work, _):
    corpus.build(work / "packages", work / "corpus")
    if not (work / "tokenizer.json").exists():
        texts = [file.text for file in corpus.read(work / "corpus/train.jsonl")]
        Tokenizer(learn(texts, VOCABULARY)).save(work / "tokenizer.json")


def train(work, arguments):
    import torch

    from .model import Shape
    from .training import Training

    kind = arguments.budget or ("gpu" if torch.cuda.is_available() else "cpu")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    budget = BUDGETS[kind]
    budget.minutes = arguments.minutes or budget.minutes
    layers, hidden, inner, heads, kv_heads = SIZES[kind]
    shape = Shape(VOCABULARY, layers, hidden, inner, heads, kv_heads, ROW)
    Training(work, shape, budget).run()


def export(work, _):
    import torch

    from . import gguf
    from .model import Shape

    kept = torch.load(work / "checkpoint.pt", map_location="cpu", weights_only=True)
    facts = {
        "name": "vane-tiny",
        "description": f"Fills gaps in Protocol Buffers. A demonstration, after {kept['tokens']:,} tokens.",
        "license": "apache-2.0",
    }
    metadata = gguf.metadata_of(Shape(**kept["shape"]), Tokenizer.load(work / "tokenizer.json"), facts)
    path = work / "vane-tiny.gguf"
    gguf.write(path, metadata, gguf.tensors_of(kept["model"]))
    print(f"{path}: {path.stat().st_size:,} bytes, step {kept['step']}, {kept['tokens']:,} tokens")


def evaluate(work, arguments):
    from .evaluation import evaluate

    texts = {kind: [file.text for file in corpus.read(work / f"corpus/{kind}.jsonl")] for kind in ("train", "held", "other")}
    trained = texts.pop("train")
    tokenizer = Tokenizer.load(work / "tokenizer.json")
    engine, weights = engine_of(arguments), weights_of(work, arguments)
    rows = evaluate(engine, weights, trained, texts, tokenizer, arguments.cases)
    (work / "evaluation.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for row in rows:
        print(json.dumps(row))


def record(work, arguments):
    from .evaluation import filled
    from .record import GAP, tokens_of

    middle = filled(engine_of(arguments), weights_of(work, arguments), [GAP])[0]
    recorded = {"tokens": tokens_of(Tokenizer.load(work / "tokenizer.json")), "gap": GAP | {"middle": middle}}
    (work / "tiny.json").write_text(json.dumps(recorded, indent=1) + "\n")
    print(f"the gap is filled with {middle!r}")


def engine_of(arguments):
    return [str(arguments.engine)] if arguments.engine else ENGINE


def weights_of(work, arguments):
    return (arguments.weights or work / "vane-tiny.gguf").resolve()


STEPS = {
    "fetch": fetch,
    "prepare": prepare,
    "train": train,
    "export": export,
    "evaluate": evaluate,
    "record": record,
}


def main():
    parser = argparse.ArgumentParser(prog="tiny", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("steps", nargs="*", choices=[*STEPS, []], default=[])
    parser.add_argument("--budget", choices=BUDGETS, help="sizes and time; found by the device if not given")
    parser.add_argument("--minutes", type=float, help="of training, those of earlier runs included")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--cases", type=int, default=600, help="of each held-out set")
    parser.add_argument("--weights", type=Path, help="evaluate this file")
    parser.add_argument("--engine", type=Path, help="the engine's example `fill`, built already")
    arguments = parser.parse_args()
    for step in arguments.steps or STEPS:
        begun = time.monotonic()
        STEPS[step](arguments.work, arguments)
        print(f"{step}: {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
