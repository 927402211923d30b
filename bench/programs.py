"""Builds and runs what is measured: the floor, the service, and the load on them."""

import contextlib
import json
import os
import re
import selectors
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = ROOT / "target" / "release"
START_SECONDS = 60
STOP_SECONDS = 60
LOAD_SECONDS = 300


def build():
    """The service by itself, so that nothing of the bench changes the features that it is built with."""
    for selection in (["signalr-cli"], ["signalr-bench-floor", "signalr-bench-load"]):
        packages = [part for name in selection for part in ("--package", name)]
        # Another one's build in another folder is no concern here.
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        subprocess.run(["cargo", "build", "--locked", "--release", *packages], cwd=ROOT, check=True, env=environment)


@contextlib.contextmanager
def floor():
    """Gives the floor's process id and the arguments that a load reaches it by."""
    with running([RELEASE / "floor"]) as (pid, lines):
        url, publish = (found(r"http://\S+", line) for line in lines[:2])
        yield pid, ["--url", url, "--publish", publish]


@contextlib.contextmanager
def service(binary=RELEASE / "signalr", wrapper=(), core=None):
    """Gives the service's process id and the arguments that a load reaches it by."""
    with running([*wrapper, binary, "serve", "--port", "0"], core) as (pid, lines):
        yield pid, ["--service", next(found(r"Endpoint=\S+", line) for line in lines if "Endpoint=" in line)]


def load(task, server, *options):
    """Runs a load and gives its report."""
    command = [RELEASE / "load", task, "--json", *server, *map(str, options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LOAD_SECONDS)
    if done.returncode != 0:
        shown = " ".join(map(str, [task, *options]))
        raise SystemExit(f"load {shown} ended with {done.returncode}: {done.stdout.strip()}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def running(command, core=None):
    """A server from the line `ready` on. With a core it sees only that one."""
    pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
    process = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=pin)
    try:
        yield process.pid, lines_until_ready(process, command)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def lines_until_ready(process, command):
    end = time.monotonic() + START_SECONDS
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not output.endswith(b"ready\n"):
            selector.select(max(0, end - time.monotonic()))
            if time.monotonic() >= end:
                raise SystemExit(f"{Path(command[0]).name} was not ready in {START_SECONDS} s")
            piece = os.read(process.stdout.fileno(), 4096)
            if not piece:
                raise SystemExit(f"{Path(command[0]).name} ended before it was ready")
            output += piece
    return output.decode().splitlines()


def found(pattern, text):
    match = re.search(pattern, text)
    if not match:
        raise SystemExit(f"'{text}' has no {pattern}")
    return match.group()


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
