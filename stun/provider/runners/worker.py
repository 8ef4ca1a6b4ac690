"""The process a model runs in: `python -m stun.provider.runners.worker SETTINGS`, spoken to over stdin and stdout.

SETTINGS is JSON: the limits and whether to leave the network by itself. The worker greets, then answers one message
at a time: `load` (a runner and files), `validate` and `run` (parameters; one part per input). It ends at end of input.
Whatever a library prints goes to stderr, never among the answers.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from stun.provider.runners.confinement import SandboxLimits, confine, renew_cpu_limit
from stun.provider.runners.frames import LENGTH_BYTES, GarbledFrame, Message, decode, encode, read_length

if TYPE_CHECKING:
    from stun.provider.runners.base import Runner
    from stun.provider.runners.registry import RunnerTable

MAX_REQUEST_BYTES = 2**32

KIND_RUNNER = "runner"
KIND_MEMORY = "memory"
KIND_REQUEST = "request"


@dataclass(slots=True)
class _State:
    table: "RunnerTable"
    runner: "Runner | None" = None


def main(load_table: Callable[[], "RunnerTable"] | None = None) -> int:
    """Confine this process, then serve until stdin ends. Returns the exit status."""
    settings = json.loads(sys.argv[1])
    limits = SandboxLimits(**settings["limits"])
    answers = _take_stdout()
    has_no_network = confine(limits, settings["leave_network"])
    _write(answers, encode({"ok": True, "has_no_network": has_no_network}))
    table = (load_table or _shipped_runners)()
    _serve(_State(table), sys.stdin.buffer, answers, limits)
    return 0


def _shipped_runners() -> "RunnerTable":
    from stun.provider.runners.registry import RUNNERS  # heavy libraries: only after the process is confined

    return RUNNERS


def _take_stdout() -> BinaryIO:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _serve(state: _State, requests: BinaryIO, answers: BinaryIO, limits: SandboxLimits) -> None:
    while (prefix := requests.read(LENGTH_BYTES)) != b"":
        message = decode(requests.read(read_length(prefix, MAX_REQUEST_BYTES)))
        renew_cpu_limit(limits.load_seconds if message.header.get("op") == "load" else limits.cpu_seconds)
        _write(answers, _answer(state, message))


def _answer(state: _State, message: Message) -> bytes:
    from stun.provider.runners.base import RunnerError

    try:
        return _OPERATIONS[message.header["op"]](state, message)
    except RunnerError as error:
        return encode({"ok": False, "kind": KIND_RUNNER, "error": str(error)})
    except MemoryError as error:
        return encode({"ok": False, "kind": KIND_MEMORY, "error": str(error) or "out of memory"})
    except (KeyError, GarbledFrame) as error:
        return encode({"ok": False, "kind": KIND_REQUEST, "error": repr(error)})


def _load(state: _State, message: Message) -> bytes:
    from stun.provider.runners.registry import create_runner

    header = message.header
    runner = create_runner(header["runner"], header["version"], state.table)
    runner.load({role: Path(path) for role, path in header["files"].items()})
    state.runner = runner
    roots = None if runner.roots is None else [root.hex() for root in runner.roots]
    return encode({"ok": True, "unit": runner.unit, "roots": roots})


def _validate(state: _State, message: Message) -> bytes:
    runner, params = _loaded(state), message.header["params"]
    return encode({"ok": True, "refusals": [runner.validate(params, data) for data in message.parts]})


def _run(state: _State, message: Message) -> bytes:
    outputs = _loaded(state).run(message.parts, message.header["params"])
    return encode({"ok": True, "units": [each.units for each in outputs]}, [each.output for each in outputs])


def _loaded(state: _State) -> "Runner":
    if state.runner is None:
        raise KeyError("no model is loaded")
    return state.runner


def _write(answers: BinaryIO, frame: bytes) -> None:
    answers.write(frame)
    answers.flush()


_OPERATIONS: dict[Any, Callable[[_State, Message], bytes]] = {"load": _load, "validate": _validate, "run": _run}

if __name__ == "__main__":
    sys.exit(main())
