"""Builds and runs the measured programs: the floor, the service, the functions, a hello, and the load on them."""

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
# The features of a function as built for AWS Lambda. The same program can also listen on a local port.
AS_ON_LAMBDA = ["--no-default-features", "--features", "lambda"]
BENCH = ["signalr-bench-floor", "--package", "signalr-bench-load"]
FUNCTIONS = [["signalr-bench-hello"], ["signalr-negotiate", *AS_ON_LAMBDA], ["signalr-broadcast", *AS_ON_LAMBDA]]


def build(*further):
    """Builds the service alone first, so that packages of the bench do not change its features."""
    for package, *options in (["signalr-cli"], BENCH, *further):
        # The programs must be in the folder RELEASE, so this variable must not name another folder.
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        command = ["cargo", "build", "--locked", "--release", "--package", package, *options]
        subprocess.run(command, cwd=ROOT, check=True, env=environment)


@contextlib.contextmanager
def floor(*options):
    """Yields the floor's process id, and the arguments with which a load reaches it."""
    with running([RELEASE / "floor", *options]) as (pid, lines):
        url, publish = (found(r"http://\S+", line) for line in lines[:2])
        yield pid, ["--url", url, "--publish", publish]


@contextlib.contextmanager
def service(binary=RELEASE / "signalr", wrapper=(), core=None):
    """Yields the service's process id, and the arguments with which a load reaches it."""
    with running([*wrapper, binary, "serve", "--port", "0"], core) as (pid, lines):
        yield pid, ["--service", next(found(r"Endpoint=\S+", line) for line in lines if "Endpoint=" in line)]


@contextlib.contextmanager
def hello(core, *options):
    """Yields the process id of an axum server that does almost nothing, and its URL. It runs on one core if one is given."""
    with running([RELEASE / "hello", *options], core) as (pid, lines):
        yield pid, found(r"http://\S+", lines[0])


@contextlib.contextmanager
def function(name, environment, core=None):
    """Yields the process id of a function that listens on a free port, and its URL."""
    with running([RELEASE / name], core, {**environment, "PORT": "0"}, b"\n") as (pid, lines):
        yield pid, found(r"http://\S+", lines[0])


def load(task, server, *options, core=None):
    """Runs a load and returns its report. If a core is given, the load runs only on this core."""
    command = [RELEASE / "load", task, "--json", *server, *map(str, options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LOAD_SECONDS, preexec_fn=pinned(core))
    if done.returncode != 0:
        shown = " ".join(map(str, [task, *options]))
        raise SystemExit(f"load {shown} ended with {done.returncode}: {done.stdout.strip()}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def running(command, core=None, environment=None, ready=b"ready\n"):
    """Starts a server and waits until its output ends with `ready`. If a core is given, it runs only on this core."""
    environment = None if environment is None else {**os.environ, **environment}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=pinned(core), env=environment)
    try:
        yield process.pid, lines_until_ready(process, command, ready)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def pinned(core):
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def lines_until_ready(process, command, ready):
    end = time.monotonic() + START_SECONDS
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not output.endswith(ready):
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
