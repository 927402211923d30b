"""Measures a cluster of nodes on Redis against its bars, round by round, and writes bench/cluster.md.

What is compared is measured in one round, in turns. Shown is the median of the rounds. A name chooses the
bars that have it in theirs; these are printed and not written.
"""

import argparse
import datetime
import os
import statistics
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

import cluster_measures as costs
import cluster_questions as questions
import compare
import programs

RESULTS = Path(__file__).parent / "cluster.md"
ROUNDS = 3
SMALL, LARGE = partial(costs.one_way, 200), partial(costs.one_way, 2_000)


@dataclass
class Bar:
    name: str
    # What the value may be: at most, or at least. None: it is shown only.
    bound: float | None
    measure: Callable
    value: str
    unit: str = ""
    at_least: bool = False


BARS = [
    Bar("added latency p50, to another node", 150, costs.latency, "p50", " µs"),
    Bar("added latency p99, to another node", 500, costs.latency, "p99", " µs"),
    Bar("commands one way, 200 B", 250_000, SMALL, "rate", "/s", at_least=True),
    Bar("commands one way, 200 B, CPU of the caller's node", 2.5, SMALL, "publisher", " µs"),
    Bar("commands one way, 200 B, CPU of the other node", 3, SMALL, "receiver", " µs"),
    Bar("commands one way, 2 KB", 90_000, LARGE, "rate", "/s", at_least=True),
    Bar("commands to four nodes beside one", 0.4, costs.to_four, "share", " x", at_least=True),
    Bar("sends by REST to users of another node", None, costs.rest_one_way, "rate", "/s"),
    Bar("a send by REST to a user of another node, CPU of all", None, costs.rest_one_way, "cost", " x"),
    Bar("50,000 users' channels, memory of the node", 16, costs.channels, "node", " MB"),
    Bar("50,000 users' channels, memory of the broker", 20, costs.channels, "broker", " MB"),
    Bar("50,000 users' channels, subscribed", 150_000, costs.channels, "rate", "/s", at_least=True),
    Bar("50,000 connected users on three nodes, memory added to the nodes", None, costs.users, "node", " MB"),
    Bar("50,000 connected users on three nodes, memory of the broker", None, costs.users, "broker", " MB"),
    Bar("channels of 1,000 connections a second, CPU of the node", 8, costs.visits, "node", " %"),
    Bar("channels of 1,000 connections a second, CPU of the broker", 3, costs.visits, "broker", " %"),
    Bar("a connection of a user made and closed, CPU added to the node", None, costs.connects, "node", " µs"),
    Bar("a connection of a user made and closed, CPU of the broker", None, costs.connects, "broker", " µs"),
    Bar("deliveries per CPU second, 1,000 connections on two nodes", 0.85, costs.deliveries, "few", " x", at_least=True),
    Bar("deliveries per CPU second, 15,000 connections on two nodes", 0.85, costs.deliveries, "many", " x", at_least=True),
    Bar("a delivery from 1,000 to 15,000 connections, beside one process", 1, costs.deliveries, "growth", " x"),
    Bar("2,000 connections through nginx, delivered", 1, costs.through_nginx, "delivered", " x", at_least=True),
    Bar("a no, p50", 250, questions.absent, "p50", " µs"),
    Bar("a no, p99", 1_000, questions.absent, "p99", " µs"),
    Bar("a no over HTTP, p50", None, questions.questions, "no p50", " µs"),
    Bar("a yes from another node over HTTP, p50", 400, questions.questions, "yes p50", " µs"),
    Bar("an invocation of a client of another node over HTTP, p50", None, questions.questions, "invoke p50", " µs"),
    Bar("an invocation of a client of another node, p50 without HTTP and the client", 400, questions.questions, "invoke added", " µs"),
    Bar("a join of a connection of another node over HTTP, p50", None, questions.questions, "join p50", " µs"),
    Bar("a join of a connection of another node, p50 without HTTP", 400, questions.questions, "join added", " µs"),
    Bar("a user's group that is kept, p50", 300, questions.adds, "p50", " µs"),
    Bar("users' groups that are kept, 16 at the same time", 20_000, questions.adds, "rate", "/s", at_least=True),
    Bar("joins and sends through two nodes, lost", 0, questions.pairs, "lost"),
    Bar("groups of users missed by connections that open", 0, questions.races, "missed"),
    Bar("a killed node, until its users are gone", 100, questions.killed, "gone", " ms"),
    Bar("a killed node, until a call to its client ends", 1_000, questions.killed, "answered", " ms"),
    Bar("a frozen node, until its users are gone", 6, questions.frozen, "gone", " s"),
    Bar("the broker away, memory added", 16, questions.away, "memory", " MB"),
    Bar("the broker away, a send to an own connection p99", 1.1, questions.away, "local", " x"),
    Bar("the broker away, until the nodes are not ready", 3, questions.away, "noticed", " s"),
    Bar("the broker back, until a message reaches another node", 1, questions.away, "back", " s"),
    Bar("the broker back, until the nodes are ready", 1, questions.away, "ready", " s"),
]
# These take minutes, or are the same each time.
LONG = {costs.users, costs.through_nginx, questions.pairs, questions.races, questions.away}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", help="parts of the names of bars; these are printed and not written")
    arguments.add_argument("--rounds", type=int, default=ROUNDS, help="how many, 3 by default; those that take minutes have one")
    arguments.add_argument("--binary", type=Path, help="a signalr that is built already; nothing is built then")
    given = arguments.parse_args()
    chosen = [bar for bar in BARS if not given.names or any(name in bar.name for name in given.names)]
    if not chosen:
        raise SystemExit("no bar has that in its name; there are:\n" + "\n".join(bar.name for bar in BARS))
    commit = f"{compare.measured_commit()}, load average before {os.getloadavg()[0]:.1f}"
    if given.binary is None:
        programs.build(["signalr-service", "--features", "measured", "--example", "commands"])
    found = {bar.measure: None for bar in chosen}
    for measure in found:
        found[measure] = rounds_of(measure, given.binary or programs.RELEASE / "signalr", 1 if measure in LONG else given.rounds)
    text = page([row(bar, found[bar.measure]) for bar in chosen], commit, given.rounds)
    print(text)
    if not given.names:
        RESULTS.write_text(text)


def rounds_of(measure, binary, rounds):
    """What each round brought; nothing if one of them failed."""
    brought = []
    for number in range(rounds):
        try:
            brought.append(measure(binary))
        except (SystemExit, OSError) as failure:
            # The others are measured even so.
            print(f"{name_of(measure)}: {failure}", flush=True)
            return []
        for name, (value, detail) in brought[-1].items():
            print(f"round {number + 1}  {name_of(measure)} {name}: {value:,.3f}  {detail}", flush=True)
    return brought


def name_of(measure):
    return measure.__name__ if hasattr(measure, "__name__") else f"{measure.func.__name__} {measure.args[0]}"


def row(bar, rounds):
    if not rounds:
        return f"| {bar.name} | | | **not measured** | | |"
    ordered = sorted((brought[bar.value] for brought in rounds), key=lambda pair: pair[0])
    values = [value for value, _ in ordered]
    median = statistics.median_low(values)
    detail = ordered[values.index(median)][1]
    bound, met = "", ""
    if bar.bound is not None:
        bound = f"at {'least' if bar.at_least else 'most'} {bar.bound:,g}{bar.unit}"
        met = "yes" if (median >= bar.bound if bar.at_least else median <= bar.bound) else "**no**"
    spread = f"{figure(values[0])} - {figure(values[-1])}" if len(values) > 1 else ""
    return f"| {bar.name} | {bound} | {figure(median)}{bar.unit} | {met} | {spread} | {detail} |"


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


def page(rows, commit, rounds):
    return "\n".join([
        "# A cluster", "",
        f"`make bench-cluster` on {datetime.date.today()}, commit {commit}. {compare.machine()}. All processes, the load too, share "
        "the cores and talk over loopback: absolute rates are the least that can be expected, ratios hold.", "",
        "CPU is user and system time. Commands, channels and questions without HTTP are those of `service/examples/commands`: nodes "
        f"without listeners and clients, so no shard delivers anything. Shown is the median of {rounds} rounds, one for what takes minutes; the last column is that of the same round.", "",
        "| what | bar | measured | met | least - most | made of |", "|---|---|---:|---|---:|---|", *rows, "",
    ])


if __name__ == "__main__":
    main()
