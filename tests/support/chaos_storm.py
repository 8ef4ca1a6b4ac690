"""A storm: actors that are killed (-9) over and over, by a seeded schedule, and started again."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from chaos_actors import Part, play

CALM_SECONDS = 400.0


@dataclass
class Life:
    """A running actor: it ends by its fuse, or at `until` (seconds of the monotonic clock)."""

    process: BaseProcess
    until: float


@dataclass
class Storm:
    """Actors and how they die. `gentle` stretches lives; `kills` by name; `ended`: exits that nobody
    caused; `away`: names that are not started again."""

    parts: Sequence[Part]
    chance: random.Random
    raging: bool = True
    gentle: float = 1.0
    kills: dict[str, int] = field(default_factory=dict)
    ended: list[tuple[str, int]] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)  # where the fork server imports
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["chaos_actors"])

    def step(self) -> None:
        """Kill whose time has come, and start again who is dead."""
        for part in (part for part in self.parts if part.name not in self.away):
            life = self.lives.get(part.name)
            if life is not None and life.process.is_alive():
                if self.raging and time.monotonic() >= life.until:
                    life.process.kill()
                    life.process.join()
                else:
                    continue
            if life is not None:
                self._bury(part, life)
            self.lives[part.name] = self._begin(part)

    def until(self, done: Callable[[], bool], seconds: float = CALM_SECONDS) -> None:
        """Rage until something is so. Errors: AssertionError with the actors' last words."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self._last_words()
            self.step()
            time.sleep(0.05)

    def send_away(self, name: str) -> None:
        """Kill an actor and do not start it again until `call_back`."""
        self.away.add(name)
        life = self.lives.pop(name)
        life.process.kill()
        life.process.join()

    def call_back(self, name: str) -> None:
        """Let an actor that was away begin again."""
        self.away.discard(name)

    def calm_once(self, kills: int | None) -> None:
        """End the raging once everybody was killed so often; never if None."""
        if kills is not None and all(self.kills.get(part.name, 0) >= kills for part in self.parts):
            self.raging = False

    def end(self) -> dict[str, int | None]:
        """Ask everybody to end; return the exit codes."""
        for life in self.lives.values():
            if life.process.is_alive():
                life.process.terminate()
        codes = {}
        for name, life in self.lives.items():
            life.process.join(30)
            codes[name] = life.process.exitcode
            life.process.kill()
        return codes

    def _begin(self, part: Part) -> Life:
        fuse, until = 0, float("inf")
        if self.raging and self.chance.random() < 0.5:
            fuse = self.chance.randint(1, round(120 * self.gentle))
        elif self.raging:
            until = time.monotonic() + self.chance.uniform(0.2, 4.0 * self.gentle)
        process = self._context.Process(target=play, args=(part, fuse))
        process.start()
        return Life(process, until)

    def _bury(self, part: Part, life: Life) -> None:
        code = life.process.exitcode
        if code == -signal.SIGKILL:
            self.kills[part.name] = self.kills.get(part.name, 0) + 1
        else:
            self.ended.append((part.name, code or 0))

    def _last_words(self) -> str:
        words = (f"--- {p.name}\n{p.log.read_text(errors='replace')[-1_500:]}" for p in self.parts if p.log.is_file())
        return f"kills {self.kills}, ended {self.ended}\n" + "\n".join(words)
