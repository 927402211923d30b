"""Compares the service with the floor, round by round, and writes the ratios to bench/results.md.

CPU times differ by up to 25 % from run to run on a shared machine. So floor and service take turns, and a
ratio compares two values of one round. The page shows the median of the rounds' ratios, the least and the most.
"""

import argparse
import datetime
import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

import programs

RESULTS = Path(__file__).parent / "results.md"
DELIVERIES_A_SECOND = 20_000
ROUNDS = 5
# The seconds of a paced run. The messages of a run with messages in flight take the floor about three seconds.
PACED_SECONDS = 7
FLOOD_MESSAGES = 750
# The service writes messages together, so each costs much less. It needs more messages for a measurable time.
SERVICE_FLOOD = 20


@dataclass
class Setting:
    name: str
    connections: int
    flow: list
    floor_messages: int
    service_messages: int


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="one short round, printed and not written")
    quick = arguments.parse_args().quick
    commit = f"{measured_commit()}, load average before {os.getloadavg()[0]:.1f}"
    programs.build()
    settings = all_settings(scale=0.3 if quick else 1)
    rounds = [measure_round(number, settings) for number in range(1 if quick else ROUNDS)]
    text = page(settings, rounds, commit)
    print(text)
    if not quick:
        RESULTS.write_text(text)


def all_settings(scale):
    settings = []
    for connections in (1_000, 5_000, 10_000):
        pace = DELIVERIES_A_SECOND // connections
        messages = max(2, round(pace * PACED_SECONDS * scale))
        settings.append(Setting(f"{connections:,} connections, paced", connections, ["--pace", pace], messages, messages))
    messages = round(FLOOD_MESSAGES * scale)
    for depth in (4, 32):
        name = f"1,000 connections, {depth} in flight"
        settings.append(Setting(name, 1_000, ["--in-flight", depth], messages, messages * SERVICE_FLOOD))
    return settings


def measure_round(number, settings):
    """The reports of floor and service for each setting. The two take turns in going first."""
    reports = []
    for setting in settings:
        pair = {}
        for name in ("floor", "service") if number % 2 == 0 else ("service", "floor"):
            pair[name] = measure(name, setting)
            cost = pair[name]["server"]
            print(f"round {number + 1}  {setting.name:32} {name:8} {cost['cpu_micros_per_delivery']:8.3f} µs a delivery", flush=True)
        reports.append(pair)
    return reports


def measure(name, setting):
    server = programs.floor if name == "floor" else programs.service
    messages = setting.floor_messages if name == "floor" else setting.service_messages
    with server() as (pid, reach):
        return programs.load("broadcast", reach, "--pid", pid, "--connections", setting.connections,
                             "--messages", messages, *setting.flow)


def page(settings, rounds, commit):
    head = [
        "# The service beside the floor", "",
        f"`make bench` on {datetime.date.today()}, commit {commit}. {machine()}.", "",
        "A ratio is the CPU time (user + system) of the service divided by the floor's in the same round. The table shows the "
        f"median of {len(rounds)} rounds, the least and the most. Other columns are medians. The floor is one epoll loop that "
        "does one `send()` for each delivery. With messages in flight, the ratio shows how much it saves to write them together.", "",
    ]
    return "\n".join([*head, *costs(settings, rounds), "", *latencies(settings, rounds), "", *limits(settings, rounds), ""])


def costs(settings, rounds):
    lines = ["| CPU | ratio | least - most | floor | service |", "|---|---:|---:|---:|---:|"]
    for index, setting in enumerate(settings):
        lines.append(row(f"a delivery, {setting.name}", index, rounds, "cpu_micros_per_delivery", 3))
    # With 1,000 connections the time is too short to measure.
    for index, setting in enumerate(settings):
        if setting.connections >= 5_000:
            lines.append(row(f"a connection made, of {setting.connections:,}", index, rounds, "cpu_micros_per_connection", 1))
    index = max(range(len(settings)), key=lambda index: settings[index].connections)
    floor, service = ([reports[index][name]["server"]["memory_bytes_per_connection"] / 1024 for reports in rounds]
                      for name in ("floor", "service"))
    lines.append(f"| memory of an idle connection, of {settings[index].connections:,} | | {min(service):.2f} - {max(service):.2f} KiB "
                 f"| {statistics.median(floor):.2f} KiB | {statistics.median(service):.2f} KiB |")
    return lines


def row(name, index, rounds, value, digits):
    floor, service = ([reports[index][name]["server"][value] for reports in rounds] for name in ("floor", "service"))
    ratios = [one / other for one, other in zip(service, floor)]
    return (f"| {name} | {statistics.median(ratios):.3f} | {min(ratios):.3f} - {max(ratios):.3f} "
            f"| {statistics.median(floor):.{digits}f} µs | {statistics.median(service):.{digits}f} µs |")


def latencies(settings, rounds):
    lines = ["| latency p50 / p99, ms | floor | service |", "|---|---:|---:|"]
    for index, setting in enumerate(settings):
        shown = []
        for name in ("floor", "service"):
            values = [[reports[index][name]["latency_micros"][part] for reports in rounds] for part in ("p50", "p99")]
            shown.append(" / ".join(f"{statistics.median(each) / 1000:.1f}" for each in values))
        lines.append(f"| {setting.name} | {shown[0]} | {shown[1]} |")
    return lines


def limits(settings, rounds):
    """In how many rounds the load reported that it was the limit itself. CPU times of the server are still good."""
    lines = []
    for index, setting in enumerate(settings):
        for name in ("floor", "service"):
            said = [reports[index][name]["limits"] for reports in rounds if reports[index][name]["limits"]]
            if said:
                lines.append(f"- {setting.name}, {name}: in {len(said)} of {len(rounds)} rounds {said[-1][0]}")
    return ["In these cases the load or the machine was the limit of rate and latency:", "", *lines] if lines else [
        "The load was never the limit."]


def measured_commit():
    changed = " with changes" if programs.git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results.md") else ""
    return programs.git("rev-parse", "--short", "HEAD") + changed


def machine():
    info = Path("/proc/cpuinfo").read_text()
    models = [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")]
    kernel = ".".join(platform.release().split("-")[0].split(".")[:2])
    return f"{len(models)} cores ({models[0] if models else platform.machine()}), Linux {kernel}"


if __name__ == "__main__":
    main()
