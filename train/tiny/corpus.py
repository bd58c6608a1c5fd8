"""From packages of registries to texts that are trained on, and texts that are held out.

Each package is fetched by its own registry's client, by name and version, and must have the
checksum of `packages.toml`. Of each service one version is kept. Licence headers go, and of each comment
its first line stays: prose costs a small model most of what it can learn. Every other text that is trained
on goes without comments.

Always true: a service is either trained on or held out, with all its files, and a message that
stands in a held-out file stands in no text that is trained on.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
FILE_BYTES_MAX, FILE_CHARACTERS_MIN = 400_000, 200
VERSION = re.compile(r"^v\d+([a-z]\w*)?$")


@dataclass
class Text:
    """One file: `house/service/file`, and what stands in it."""

    service: str
    name: str
    text: str


def packages():
    return tomllib.loads((HERE / "packages.toml").read_text())["package"]


def fetch(folder: Path):
    """Puts the archives of all packages into a folder, and proves them."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages():
        archive = folder / package["file"]
        if not archive.exists():
            {"npm": from_npm, "crates": from_crates}[package["registry"]](package, folder)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != package["sha256"]:
            raise SystemExit(f"{archive.name}: sha256 {found}, not {package['sha256']}")
        print(f"{archive.name}: {archive.stat().st_size:,} bytes, sha256 as listed")


def from_npm(package, folder):
    wanted = f"{package['name']}@{package['version']}"
    subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True)


def from_crates(package, folder):
    """cargo fetches only what a manifest asks for, into a home that may be a fresh one."""
    name, version = package["name"], package["version"]
    with tempfile.TemporaryDirectory() as place:
        manifest = '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[lib]\npath = "lib.rs"\n'
        manifest += f'[dependencies]\n{name} = "={version}"\n'
        (Path(place) / "Cargo.toml").write_text(manifest)
        (Path(place) / "lib.rs").touch()
        subprocess.run(["cargo", "fetch", "--quiet"], cwd=place, check=True)
        vendored = subprocess.run(
            ["cargo", "metadata", "--format-version=1"], cwd=place, check=True, capture_output=True
        )
    found = [p for p in json.loads(vendored.stdout)["packages"] if p["name"] == name]
    source = Path(found[0]["manifest_path"]).parent
    registry = source.parent.name
    shutil.copy(source.parents[2] / "cache" / registry / package["file"], folder)


def texts_of(package, folder):
    """All files of the language in a package, as `(path, text)`."""
    under = package["under"]
    found = []
    with tarfile.open(folder / package["file"]) as archive:
        for entry in archive:
            path = entry.name
            if entry.isfile() and path.endswith(".proto") and path.startswith(under):
                text = archive.extractfile(entry).read()
                found.append((path[len(under) :].lstrip("/"), text.decode("utf-8", "replace")))
    return sorted(found)


def service_of(path):
    """The folders of a file without its version: what is developed, released and copied as one."""
    folders = [part for part in path.split("/")[:-1] if not VERSION.match(part)]
    return "/".join(folders[:4])


def version_of(path):
    """Sorts stable versions above those that are not, and later ones above earlier ones."""
    found = [part for part in path.split("/")[:-1] if VERSION.match(part)]
    number, kind = re.match(r"v(\d+)(.*)", found[-1]).groups() if found else ("0", "")
    return (kind == "", int(number), kind)


def cleaned(text, comments=True):
    """Without the licence at its top, and with the first line of each comment, or with none."""
    lines = [line.rstrip() for line in text.replace("\t", "  ").splitlines()]
    start = next((at for at, line in enumerate(lines) if line.startswith("syntax")), 0)
    kept, within = [], False
    for line in lines[start:]:
        before, within = within, line.lstrip().startswith("//")
        skipped = within and (before or not comments)
        if not skipped and not (line == "" and kept and kept[-1] == ""):
            kept.append(line)
    return "\n".join(kept).strip() + "\n"


def bare(text):
    """A text as copies of it have it, too, whatever was said of it."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def blocks(text):
    """The messages and other parts of a file, to find copies by."""
    parts = re.split(r"\n(?=message |enum |service )", bare(text))
    return {part for part in parts if len(part) > 150}


def lot(name, of):
    """A number below `of` that is always the same for a name."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % of


def is_held(service):
    return lot(service, 100) < 4


def build(folder: Path, out: Path):
    """Writes `train.jsonl`, `held.jsonl` (services of those houses) and `other.jsonl` (other houses)."""
    sets = divided(folder)
    known = {block for kind in ("held", "other") for file in sets[kind] for block in blocks(file.text)}
    sets["train"] = [file for file in sets["train"] if known.isdisjoint(blocks(file.text))]
    out.mkdir(parents=True, exist_ok=True)
    seen = set()
    for kind in ("held", "other", "train"):
        kept = list(unseen(sets[kind], seen))
        with (out / f"{kind}.jsonl").open("w") as lines:
            lines.writelines(json.dumps(vars(file)) + "\n" for file in kept)
        size = sum(len(file.text) for file in kept)
        services = len({file.service for file in kept})
        print(f"{kind}: {services} services, {len(kept)} files, {size:,} characters")


def divided(folder):
    """All texts, by what they are for."""
    sets = {"train": [], "held": [], "other": []}
    for package in packages():
        files = [(path, text) for path, text in texts_of(package, folder) if len(text) <= FILE_BYTES_MAX]
        newest = {}
        for path, _ in files:
            service = service_of(path)
            newest[service] = max(newest.get(service, (False, -1, "")), version_of(path))
        for path, text in files:
            service, name = service_of(path), f"{package['name']}/{path}"
            if version_of(path) != newest[service]:
                continue
            kind = "held" if package["set"] == "train" and is_held(service) else package["set"]
            comments = kind != "train" or lot(name, 2) == 0
            sets[kind].append(Text(f"{package['name']}/{service}", name, cleaned(text, comments)))
    return sets


def unseen(files, seen):
    """Those that say what none before them said, and say something."""
    for file in files:
        mark = bare(file.text)
        if mark not in seen and len(file.text) >= FILE_CHARACTERS_MIN:
            seen.add(mark)
            yield file


def read(path: Path):
    with path.open() as lines:
        return [Text(**json.loads(line)) for line in lines]
