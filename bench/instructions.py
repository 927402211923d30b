"""Counts the service's instructions per delivery, per connection made and per negotiate, under callgrind.

Counts hardly change from run to run, so they show small changes that CPU times hide. Each workload runs in two
lengths, and the difference between them counts. So the start and the end of the service do not count. The
service gets one core: it has one shard, and its threads take turns, as callgrind makes them do anyway. A message
is sent only after all connections have the message before, so no messages are written together. Only user code
is counted, not the kernel's. Valgrind lacks the processor's instructions for SHA-256, so the check of a token
counts about 20,000 instructions more than it costs.
"""

import argparse
import os
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import programs

FOLDER = programs.ROOT / "target" / "instructions"
REPEATS = 3
# Under callgrind everything takes about fifty times longer.
TIMEOUT = ["--timeout", "60"]


@dataclass
class Workload:
    name: str
    task: str
    options: list
    # The option for the length, and the short and the long length.
    flag: str
    lengths: tuple
    # How many deliveries, connections or negotiates a length of one has.
    each: int


CONNECTIONS = 1_000
WORKLOADS = [
    Workload("delivery", "broadcast", ["--connections", CONNECTIONS, "--one-by-one"], "--messages", (10, 310), CONNECTIONS),
    Workload("connection made and closed", "connections", [], "--count", (100, 500), 1),
    Workload("negotiate", "negotiates", [], "--count", (100, 500), 1),
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--base", metavar="COMMIT", help="compare with the build of this commit")
    arguments.add_argument("--service", metavar="BINARY", type=Path, help="measure this `signalr` instead of building one")
    given = arguments.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is missing; on Debian: apt-get install valgrind")
    if given.service and not given.service.is_file():
        raise SystemExit(f"--service {given.service}: no such file; use the path of a `signalr`")
    FOLDER.mkdir(parents=True, exist_ok=True)
    builds = {}
    if given.base:
        commit = resolve(given.base)
        builds[f"base {commit[:10]}"] = build_commit(commit)
    programs.build()
    builds["this"] = given.service or programs.RELEASE / "signalr"
    show({name: count(name, binary) for name, binary in builds.items()})


def resolve(name):
    found = subprocess.run(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"], cwd=programs.ROOT,
                           stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        raise SystemExit(f"BASE={name} is not a commit of this repository; use one that `git log` shows")
    return found.stdout.strip()


def build_commit(commit):
    """Builds a commit in a worktree that is removed afterwards. The compiled files are kept for the next run."""
    tree, target = FOLDER / "base", FOLDER / "base-target"
    remove_worktree(tree)
    programs.git("worktree", "add", "--quiet", "--detach", str(tree), commit)
    try:
        environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
        command = ["cargo", "build", "--locked", "--release", "--package", "signalr-cli"]
        subprocess.run(command, cwd=tree, check=True, env=environment)
    finally:
        remove_worktree(tree)
    return target / "release" / "signalr"


def remove_worktree(tree):
    if tree.exists():
        programs.git("worktree", "remove", "--force", str(tree))
    programs.git("worktree", "prune")


def count(name, binary):
    """Instructions for each workload, once for each repeat."""
    counts = {workload.name: [] for workload in WORKLOADS}
    for repeat in range(REPEATS):
        for workload in WORKLOADS:
            short, long = (run(binary, workload, length) for length in workload.lengths)
            number = (long - short) / ((workload.lengths[1] - workload.lengths[0]) * workload.each)
            counts[workload.name].append(number)
            print(f"{name}, run {repeat + 1}: {number:,.0f} instructions per {workload.name}", flush=True)
    return counts


def run(binary, workload, length):
    """The number of all instructions of the service, from its start to its end."""
    profile = FOLDER / "callgrind.out"
    profile.unlink(missing_ok=True)
    valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}"]
    core = min(os.sched_getaffinity(0))
    with programs.service(binary, valgrind, core) as (_, reach):
        programs.load(workload.task, reach, *TIMEOUT, *workload.options, workload.flag, length)
    totals = [line.split()[1] for line in profile.read_text().splitlines() if line.startswith("totals:")]
    if not totals:
        raise SystemExit(f"callgrind wrote no totals to {profile}")
    return int(totals[-1])


def show(builds):
    names = list(builds)
    change = ["change"] if len(names) > 1 else []
    print("\n| instructions per | " + " | ".join([*(part for name in names for part in (name, "spread")), *change]) + " |")
    print("|---|" + "---:|" * (2 * len(names) + len(change)))
    for workload in WORKLOADS:
        counts = [builds[name][workload.name] for name in names]
        medians = [statistics.median(each) for each in counts]
        cells = []
        for each, median in zip(counts, medians):
            cells += [f"{median:,.0f}", f"{(max(each) - min(each)) / median:.2%}"]
        if change:
            cells.append(f"{medians[1] / medians[0] - 1:+.2%}")
        print(f"| {workload.name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
