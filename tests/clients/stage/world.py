"""A fake upstream and a Vane in front of it, for the length of a `with`.

Everything they write lies in one folder. The first line of the fake is its address; Vane is
ready when /health/ready says so.
"""

import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

READY_WITHIN_S = 90
# A port that was free may be another's by the time it is taken.
TRIES = 5
CONFIG = """listen = "127.0.0.1:{port}"
database = "sqlite:{folder}/vane.db"
[limits]
body_bytes_max = 1048576
"""
# Vane's ids for providers, and where the fake plays them.
PROVIDERS = {
    "mistral": "/mistral/v1",
    "codestral": "/mistral/v1",
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
    "deepseek": "/openai/v1",
}
PROVIDER = """[[provider]]
id = "{id}"
api_key = "test"
base_url = "{url}"
"""
LAB = """[[provider]]
id = "lab"
dialect = "openai"
api_key = "test"
base_url = "{url}/openai/v1"
models = [{{ id = "lab-coder", upstream = "Lab/Coder", input = "1", output = "2", fim = true, tools = true, vision = true }}]
"""


class World:
    def __init__(self, vane: pathlib.Path, fake: pathlib.Path, folder: pathlib.Path) -> None:
        self.vane, self.fake, self.folder = vane.resolve(), fake.resolve(), folder
        self.config = folder / "vane.toml"
        self.fake_url = ""
        self.running: list[subprocess.Popen] = []

    def __enter__(self) -> "World":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def environment(self) -> dict[str, str]:
        """The environment of a suite: nobody's keys or proxies but ours."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        ours = {"VANE_URL": self.url, "VANE_API_KEY": self.key, "FAKE_URL": self.fake_url}
        # LiteLLM would fetch its price list from the network first.
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        return kept | ours | quiet | {"HOME": str(self.folder)}

    def _start(self) -> None:
        [self.fake_url] = self._fake("fake", 1)
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.config.write_text(self.configuration())
        self._prepare()
        for _ in range(TRIES):
            self._run("vane", [self.vane, "serve", "--config", self.config], stdout=subprocess.DEVNULL)
            if self._is_ready():
                return
            self.running.pop()
            self._move()
        raise SystemExit("Vane found no free port")

    def _prepare(self) -> None:
        """What is done before the server starts."""
        self._vane("account", "create", "clients", "--json")
        self.key = self._vane("key", "create", "--account", "clients", "--json")["key"]

    def _fake(self, name: str, addresses: int, *options: str) -> list[str]:
        """Starts a fake, which says first where it is."""
        fake = self._run(name, [self.fake, *options], stdout=subprocess.PIPE)
        said = [fake.stdout.readline().decode().strip() for _ in range(addresses)]
        if not all(said):
            raise SystemExit(f"{self.fake} did not start")
        return said

    def _run(self, name: str, command: list, stdout: int) -> subprocess.Popen:
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdout=stdout, stderr=log, cwd=self.folder, env=os.environ | self.variables())
        self.running.append(process)
        return process

    def variables(self) -> dict[str, str]:
        """What the servers are told besides."""
        return {}

    def configuration(self) -> str:
        """What Vane is told: every provider is the fake."""
        text = CONFIG.format(port=self.url.rsplit(":", 1)[1], folder=self.folder)
        for id, path in PROVIDERS.items():
            text += PROVIDER.format(id=id, url=self.fake_url + path)
        return text + LAB.format(url=self.fake_url)

    def _vane(self, *arguments: str) -> dict:
        command = [self.vane, *arguments, "--config", self.config]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"vane {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def _is_ready(self) -> bool:
        """Waits until Vane serves; false if its port was taken meanwhile."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self.running[-1].poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/health/ready", timeout=1).close()
                # Whoever took the port may answer too.
                if self.running[-1].poll() is None:
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        said = (self.folder / "vane.log").read_text()
        if self.running[-1].poll() is not None and "in use" in said:
            return False
        raise SystemExit(f"Vane is not ready:\n{said}")

    def _move(self) -> None:
        """To another port, wherever the configuration names it."""
        taken, self.url = self.url, f"http://127.0.0.1:{_free_port()}"
        text = self.config.read_text()
        self.config.write_text(text.replace(taken.removeprefix("http://"), self.url.removeprefix("http://")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
