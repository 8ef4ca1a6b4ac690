"""Every benchmark; the last line is one JSON object of all figures."""

import json
from typing import Any

import click

from scripts.bench import exact, gas, gas_audit, gas_court, matcher, networks, throughput

ORDERS = 10_000
PROFILES = 1_000
BATCHES = 40


@click.command()
def main() -> None:
    """Run them one after the other and print each as it ends."""
    found: dict[str, Any] = {}
    for name, run in (
        ("gas", lambda: gas.figures(gas.measure())),
        ("court", gas_court.measure),
        ("audit", gas_audit.measure),
        ("exact", exact.measure),
        ("networks", networks.measure),
        ("throughput", lambda: throughput.measure(BATCHES)),
        ("matcher", lambda: matcher.measure(ORDERS, PROFILES)),
    ):
        figures = run()
        click.echo(f"{name}: {json.dumps(figures)}")
        found |= figures
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
