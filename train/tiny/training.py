"""Training by the clock: a warm-up, a plateau, and a cool-down over the last part of the minutes.

What is kept in a checkpoint is all that is needed to go on. On a plateau nothing depends on the end, so
a checkpoint may be given more minutes, or fewer: it then cools down at once.
"""

import json
import time
from pathlib import Path

import torch

from . import corpus
from .model import Model, Shape, parameters_of
from .optimizer import optimizers_of
from .samples import Samples
from .tokenizer import Tokenizer

WARM_STEPS = 60
COOL_PART = 0.55
KEEP_SECONDS = 60
SAY_STEPS = 10
TEST_ROWS = 16


class Training:
    def __init__(self, work: Path, shape: Shape, budget):
        self.work, self.budget = work, budget
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(0)
        self.model = Model(shape).to(self.device)
        self.optimizers = optimizers_of(self.model, budget.rate)
        # Worth a third of the time; the first step takes minutes.
        self.loss = torch.compile(self.model.loss, dynamic=False)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        tokenizer = Tokenizer.load(work / "tokenizer.json")
        texts = {kind: [file.text for file in corpus.read(work / f"corpus/{kind}.jsonl")] for kind in ("train", "held")}
        self.resume()
        self.samples = Samples(texts["train"], tokenizer, budget.row, seed=self.step)
        self.test = Samples(texts["held"], tokenizer, budget.row, seed=1).rows(TEST_ROWS)

    @property
    def checkpoint(self):
        return self.work / "checkpoint.pt"

    def resume(self):
        if not self.checkpoint.exists():
            return
        kept = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(kept["model"])
        for optimizer, state in zip(self.optimizers, kept["optimizers"]):
            optimizer.load_state_dict(state)
        self.step, self.tokens, self.seconds = kept["step"], kept["tokens"], kept["seconds"]

    def keep(self):
        kept = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "shape": vars(self.model.shape),
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        # Renamed when it is whole: whoever is stopped while writing has the one before.
        torch.save(kept, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").rename(self.checkpoint)

    def rate(self):
        part = self.seconds / (60 * self.budget.minutes)
        warm = min(1.0, (self.step + 1) / WARM_STEPS)
        cool = min(1.0, max(0.0, (1 - part) / COOL_PART))
        return self.budget.rate * warm * cool

    def autocast(self):
        return torch.autocast(self.device, torch.bfloat16)

    def one_step(self):
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate()
        total = 0.0
        for _ in range(self.budget.parts):
            rows = [part.to(self.device) for part in self.samples.rows(self.budget.rows)]
            with self.autocast():
                loss = self.loss(*rows) / self.budget.parts
            loss.backward()
            total += loss.detach()
            self.tokens += rows[0].numel()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return total

    @torch.no_grad()
    def held_out_loss(self):
        losses = []
        for at in range(0, TEST_ROWS, 4):
            rows = [part[at : at + 4].to(self.device) for part in self.test]
            with self.autocast():
                losses.append(self.model.loss(*rows).item())
        return sum(losses) / len(losses)

    def run(self):
        print(f"{parameters_of(self.model):,} parameters on {self.device}, {self.budget}", flush=True)
        kept, said = time.monotonic(), time.monotonic()
        said_tokens, cpu = self.tokens, time.process_time()
        while self.seconds < 60 * self.budget.minutes:
            begun = time.monotonic()
            loss = self.one_step()
            now = time.monotonic()
            self.seconds += now - begun
            if self.step % SAY_STEPS == 0:
                speed = (self.tokens - said_tokens) / (now - said)
                per_cpu = (self.tokens - said_tokens) / (time.process_time() - cpu)
                line = {"step": self.step, "minutes": round(self.seconds / 60, 2), "tokens": self.tokens}
                line |= {"loss": round(loss.item(), 3), "rate": round(self.rate(), 5)}
                line |= {"tokens_per_s": round(speed), "tokens_per_cpu_s": round(per_cpu)}
                if self.step % (SAY_STEPS * 10) == 0:
                    line["held_out_loss"] = round(self.held_out_loss(), 3)
                print(json.dumps(line), flush=True)
                said, said_tokens, cpu = time.monotonic(), self.tokens, time.process_time()
            if now - kept > KEEP_SECONDS:
                self.keep()
                kept = time.monotonic()
        self.keep()
        print(f"held-out loss {self.held_out_loss():.3f} after {self.tokens:,} tokens", flush=True)
