"""What the owner sees: earnings, open batches with the time left, stake, hardware and the last words of the log."""

from collections import deque
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stun.protocol import parameters
from stun.protocol.market.state import ReplicaState
from stun.provider.defence import Waiting
from stun.provider.duties import next_deadline
from stun.provider.executor import Cycle, ProviderService
from stun.provider.hardware import Hardware
from stun.provider.journal import Step
from stun.provider.standing import Standing

LOG_LINES = 8
WARN_SHARE = 4  # warned when less than a quarter of the window is left and the work is not on chain


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One open batch: tasks done of all, what comes next, and the seconds left for it (None: nothing to do)."""

    batch_id: bytes
    state: str
    done: int
    count: int
    left: int | None
    warning: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the dashboard shows; amounts in smallest units, `balances` and `earned` by asset."""

    account: bytes
    chain: str
    now: int
    balances: tuple[tuple[bytes, int], ...]
    stake: int
    min_stake: int
    reputation: int
    settled: int
    earned: tuple[tuple[bytes, int], ...]
    hardware: Hardware
    batches: tuple[BatchLine, ...]
    demands: tuple[Waiting, ...] = ()
    purse: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the owner should look at now."""
        low = f"stake {self.stake} is below the least of {self.min_stake}: no bid of yours can be matched"
        own = [low] if self.stake < self.min_stake else []
        own += [self.purse] if self.purse else []
        told = (_told(demand) for demand in self.demands if demand.obstacle or demand.pressing)
        return (*own, *told, *(line.warning for line in self.batches if line.warning))


class LogTail:
    """The last lines of the log; put it among structlog's processors."""

    def __init__(self, lines: int = LOG_LINES) -> None:
        self.lines: deque[str] = deque(maxlen=lines)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Keep the line and pass it on."""
        fields = " ".join(f"{key}={str(value)[:24]}" for key, value in event.items() if key not in ("event", "level"))
        self.lines.append(f"{method:7} {event.get('event', '')} {fields}".rstrip())
        return event


def take_snapshot(service: ProviderService, cycle: Cycle) -> Snapshot:
    """Read what the dashboard shows. Errors: ChainError."""
    context = service.context
    reader, account = context.reader, context.account
    assets = sorted({price.asset for price in context.settings.policy.prices})
    settled = context.journal.settled()
    return Snapshot(
        account=account,
        chain=reader.chain,
        now=reader.now(),
        balances=tuple((asset, reader.balance(asset, account)) for asset in assets),
        stake=reader.stake(account),
        min_stake=parameters.read(reader.rules(reader.stun).limits, "min_stake"),
        reputation=reader.reputation(account),
        settled=len(settled),
        earned=tuple(
            (asset, sum(e.amount for e in settled if e.asset == asset)) for asset in sorted({e.asset for e in settled})
        ),
        hardware=context.hardware,
        batches=tuple(_line(service, standing) for standing in cycle.standings),
        demands=service.defence.waiting(reader.now()),
        purse=service.purse.warning,
    )


def render(snapshot: Snapshot, log: Sequence[str] = ()) -> RenderableType:
    """Draw a snapshot."""
    parts: list[RenderableType] = [_head(snapshot), _batches(snapshot)]
    if snapshot.demands:
        parts.append(_demands(snapshot))
    parts += [Text(f"! {warning}", style="bold red") for warning in snapshot.warnings]
    if log:
        parts.append(Panel(Text("\n".join(log), overflow="ellipsis", no_wrap=True), title="log", border_style="dim"))
    return Group(*parts)


def _line(service: ProviderService, standing: Standing) -> BatchLine:
    journal = service.context.journal
    steps = journal.steps(standing.batch_id)
    done = standing.terms.count if Step.COMPUTED in steps else journal.progress(standing.batch_id)
    deadline = next_deadline(standing)
    left = None if deadline is None else deadline - standing.now
    return BatchLine(standing.batch_id, _state(standing), done, standing.terms.count, left, _warning(standing, left))


def _told(demand: Waiting) -> str:
    cause = f": {demand.obstacle}" if demand.obstacle else ""
    name = demand.batch_id.hex()[:10]
    return f"batch {name}: a court's demand ({demand.kind}) is not answered, {demand.left} s left{cause}"


def _state(standing: Standing) -> str:
    return "out of time" if standing.lapsed else standing.state.name.lower()


def _warning(standing: Standing, left: int | None) -> str:
    name = standing.batch_id.hex()[:10]
    if standing.lapsed or standing.state in (ReplicaState.SILENT, ReplicaState.CONVICTED):
        return f"batch {name}: this provider is out ({_state(standing)}) and loses of its bond"
    if left is None:
        return ""
    revealing = standing.state == ReplicaState.COMMITTED
    window = standing.terms.rule("reveal_seconds") if revealing else standing.terms.post_seconds
    return f"batch {name}: {left} s left and not on chain" if left * WARN_SHARE < window else ""


def _head(snapshot: Snapshot) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_row("account", f"{_address(snapshot.account)} on {snapshot.chain}")
    for asset, balance in snapshot.balances:
        table.add_row("free balance", f"{balance} of {_address(asset)[:10]}")
    earned = ", ".join(f"{amount} of {_address(asset)[:10]}" for asset, amount in snapshot.earned) or "nothing yet"
    table.add_row("earned", f"{earned}; {snapshot.settled} batches settled")
    table.add_row("stake", f"{snapshot.stake} (least {snapshot.min_stake})")
    table.add_row("reputation", f"{snapshot.reputation / 1e6:.4f}")
    table.add_row("hardware", _hardware(snapshot.hardware))
    return Panel(table, title="provider", border_style="cyan")


def _address(account: bytes) -> str:
    """An account as its chain writes it: 20 bytes where it is padded, else 32."""
    return "0x" + (account[12:] if account[:12] == bytes(12) else account).hex()


def _hardware(hardware: Hardware) -> str:
    gpus = ", ".join(f"{gpu.name} {gpu.memory / 2**30:.0f} GiB" for gpu in hardware.gpus) or "no GPU"
    return f"{gpus}; {hardware.cpu.cores} cores, {hardware.memory / 2**30:.0f} GiB memory"


def _batches(snapshot: Snapshot) -> RenderableType:
    table = Table(title=f"open batches ({len(snapshot.batches)})", expand=True)
    for column in ("batch", "state", "tasks", "time left"):
        table.add_column(column)
    for line in snapshot.batches:
        left = "" if line.left is None else f"{max(0, line.left)} s"
        style = "bold red" if line.warning else ""
        table.add_row(line.batch_id.hex()[:10], line.state, f"{line.done}/{line.count}", left, style=style)
    return table


def _demands(snapshot: Snapshot) -> RenderableType:
    table = Table(title=f"a court's demands ({len(snapshot.demands)})", expand=True)
    for column in ("batch", "asked for", "time left", ""):
        table.add_column(column)
    for demand in snapshot.demands:
        style = "bold red" if demand.obstacle or demand.pressing else ""
        cells = (demand.batch_id.hex()[:10], demand.kind, f"{max(0, demand.left)} s", demand.obstacle or "answering")
        table.add_row(*cells, style=style)
    return table
