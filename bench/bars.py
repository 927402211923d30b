"""Measures the service and the functions against their bars, round by round, and writes bench/bars.md.

A bar is a limit on a measured value. Absolute times drift on shared machines. So a bar limits the ratio of two
values of one round, if there is a second program to compare with. The page shows the median of the rounds. A
name on the command line chooses the bars with this text in their name.
"""

import argparse
import datetime
import os
import statistics
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

import compare
import measures
import programs

RESULTS = Path(__file__).parent / "bars.md"
ROUNDS = 3


@dataclass
class Bar:
    name: str
    # The limit of the value or, if there are two values, of their ratio: at most or at least this.
    bound: float
    measure: Callable
    unit: str = "µs"
    at_least: bool = False
    # Whether the measurement takes minutes or gives the same value each time. It then runs once.
    is_long: bool = False


BARS = [
    Bar("a delivery, 1,000 connections, paced", 1.1, partial(measures.delivery, 1_000)),
    Bar("a delivery, 10,000 connections, paced", 1.15, partial(measures.delivery, 10_000)),
    Bar("a delivery, 1,000 connections, 32 in flight", 0.2, partial(measures.flood, 1_000)),
    Bar("a delivery by MessagePack, 1,000 connections, paced", 1.25,
        partial(measures.delivery, 1_000, "--dialect", "messagepack")),
    Bar("a delivery by MessagePack, 1,000 connections, 32 in flight", 0.25,
        partial(measures.flood, 1_000, "--dialect", "messagepack")),
    Bar("a delivery to a group of 1,000 among 10,000, paced", 1.25, partial(measures.delivery, 10_000, members=1_000)),
    Bar("a delivery to a group of 1,000 among 10,000, 32 in flight", 0.25, partial(measures.flood, 10_000, members=1_000)),
    Bar("a delivery by event stream beside a WebSocket's", 1.5, partial(measures.delivery_beside_websocket, "events", 1_000)),
    Bar("a delivery by long polling beside a WebSocket's", 3, partial(measures.delivery_beside_websocket, "polls", 1_000)),
    Bar("latency p99, 10,000 connections, 10 messages a second", 1.1, partial(measures.latency, 10_000, 10), "ms"),
    Bar("a connection made", 2.2, measures.connection_made),
    Bar("a connection made, with its negotiation", 4, partial(measures.connection_made, "--negotiate")),
    Bar("a connection made by event stream beside a WebSocket's", 1.5, partial(measures.connection_beside_websocket, "events")),
    Bar("a connection made by long polling beside a WebSocket's", 3, partial(measures.connection_beside_websocket, "polls")),
    Bar("memory of an idle connection, of 15,000", 2, measures.memory_of_idle, "KiB"),
    Bar("CPU of 15,000 idle connections over 60 s, with keep-alive", 1.5, measures.cpu_of_idle, "s", is_long=True),
    Bar("REST calls a second, 1,000 groups of one", 0.5, partial(measures.one_of_many, "groups", 1_000), "/s", at_least=True),
    Bar("REST calls a second, one user among 15,000", 0.5, partial(measures.one_of_many, "users", 15_000), "/s", at_least=True),
    Bar("a send to one user among 15,000 beside one among 10", 1.2, partial(measures.one_among, 15_000, 10)),
    Bar("function negotiate, requests a second", 0.85, measures.negotiate_function, "/s", at_least=True),
    Bar("function negotiate, exec to first answer", 1.3, measures.start_of_negotiate, "ms"),
    Bar("function negotiate, memory after 100,000 requests", 12, measures.memory_of_negotiate, "MiB", is_long=True),
    Bar("function negotiate, its program as built for AWS Lambda", 3, measures.size_of_negotiate, "MiB", is_long=True),
    Bar("function broadcast, CPU of a call", 1.3, measures.broadcast_function),
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", help="parts of the names of bars; only these bars are measured, and the result is printed and not written")
    arguments.add_argument("--rounds", type=int, default=ROUNDS, help="number of rounds, 3 by default; bars that take minutes have one round")
    given = arguments.parse_args()
    chosen = [bar for bar in BARS if not given.names or any(name in bar.name for name in given.names)]
    if not chosen:
        raise SystemExit("no bar has this text in its name; the bars are:\n" + "\n".join(bar.name for bar in BARS))
    commit = f"{compare.measured_commit()}, load average before {os.getloadavg()[0]:.1f}"
    programs.build(*programs.FUNCTIONS)
    rows = [row(bar, 1 if bar.is_long else given.rounds) for bar in chosen]
    text = page(rows, commit, given.rounds)
    print(text)
    if not given.names:
        RESULTS.write_text(text)


def row(bar, rounds):
    try:
        pairs = [shown(bar, number, bar.measure()) for number in range(rounds)]
    except SystemExit as failure:
        # The other bars are still measured.
        print(f"{bar.name}: {failure}", flush=True)
        return f"| {bar.name} | | | **not measured** | | | |"
    ours = statistics.median(pair[0] for pair in pairs)
    if pairs[0][1] is None:
        return cells(bar, ours, None, [pair[0] for pair in pairs])
    return cells(bar, ours, statistics.median(pair[1] for pair in pairs), [one / other for one, other in pairs])


def shown(bar, number, pair):
    ours, other = pair
    beside = "" if other is None else f" beside {other:,.3f}: {ours / other:.3f}"
    print(f"round {number + 1}  {bar.name}: {ours:,.3f} {bar.unit}{beside}", flush=True)
    return pair


def cells(bar, ours, other, values):
    median = statistics.median(values)
    is_met = median >= bar.bound if bar.at_least else median <= bar.bound
    bound = f"{'at least' if bar.at_least else 'at most'} {bar.bound:g}{' ' + bar.unit if other is None else ' x'}"
    spread = f"{min(values):.2f} - {max(values):.2f}" if len(values) > 1 else ""
    beside = "" if other is None else quantity(other, bar.unit)
    return f"| {bar.name} | {bound} | {median:.2f} | {'yes' if is_met else '**no**'} | {spread} | {quantity(ours, bar.unit)} | {beside} |"


def quantity(value, unit):
    return f"{value:,.0f}{unit}" if unit == "/s" else f"{value:,.2f} {unit}"


def page(rows, commit, rounds):
    return "\n".join([
        "# Bars", "",
        f"`make bench` on {datetime.date.today()}, commit {commit}. {compare.machine()}.", "",
        "CPU is user and system time of the server's process. If a name does not say what a value is compared with, deliveries "
        "and connections are compared with the floor: one epoll loop that does one `send()` for each delivery. For messages in "
        "flight, the other value is the floor's cost with one message at a time. Calls and functions are compared with a hello "
        "on axum; calls a second are calls in a second of CPU time, on one core. A value is the median of "
        f"{rounds} rounds. A ratio compares two values of one round, and the page shows the median of these ratios.", "",
        "| what | bar | measured | met | least - most | ours | beside |", "|---|---|---:|---|---:|---:|---:|", *rows, "",
    ])


if __name__ == "__main__":
    main()
