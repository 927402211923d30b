"""What `make bench-cluster` measures of calls that wait for other nodes, and of order and failures."""

import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request

import nodes
from calls import Caller, Client, quantiles, timed
from cluster_measures import commands
from nodes import cluster, node

COUNT = 3_000
PAIRS = 10_000
INVOKE = "/api"
VERSION = "?api-version=2024-12-01"


def is_ok(status):
    return status in (200, 202)


def questions(binary):
    """One call after the other, each answered by another node, beside the same of a service without a broker."""
    with node(binary) as alone:
        single = calls(alone, alone)
    with cluster(binary, 2) as (_, (a, b)):
        across = calls(a, b)
    detail = {name: f"p50 {across[name][0]:.0f} µs, p99 {across[name][1]:.0f} µs; without a broker {single[name][0]:.0f} and {single[name][1]:.0f} µs; "
                    "over HTTP from a caller in Python" for name in across}
    return {**{f"{name} p50": (across[name][0], detail[name]) for name in across},
            **{f"{name} added": (across[name][0] - single[name][0], detail[name]) for name in across}}


def calls(a, b):
    caller, client = Caller(a), Client(b, "ann")
    absent, present = (caller.request("HEAD", f"/users/{user}") for user in ("nobody", "ann"))
    joins = [caller.request("PUT", f"/groups/g{number}/connections/{client.id}") for number in range(COUNT)]
    invoke = caller.request("POST", f"/connections/{client.id}/:invoke{VERSION}", b'{"target":"ask","arguments":[1]}', INVOKE)

    def invoked(_):
        caller.send(invoke)
        client.say({"type": 3, "invocationId": client.record()["invocationId"], "result": 1})
        return caller.answer()[0]
    return {"no": quantiles(timed(lambda _: caller.call(absent), COUNT, lambda status: status == 404)),
            "yes": quantiles(timed(lambda _: caller.call(present), COUNT, is_ok)),
            "join": quantiles(timed(lambda number: caller.call(joins[number]), COUNT, is_ok)),
            "invoke": quantiles(timed(invoked, COUNT, is_ok))}


def absent(binary):
    """The same no without HTTP."""
    with nodes.redis() as broker:
        micros = commands("absent", broker.url, 20_000)
    return {name: (micros[name], "without HTTP") for name in ("p50", "p99")}


def adds(binary):
    """Users' groups that the broker keeps, in its file each second."""
    with nodes.redis(appends=True) as broker:
        report = commands("add", broker.url, 60_000, 16)
    detail = f"p99 {report['p99']:.0f} µs; 16 at the same time {report['adds_a_second']:,.0f}/s"
    return {"p50": (report["p50"], detail), "rate": (report["adds_a_second"], detail)}


def pairs(binary):
    """A join through one node, then a send through another to a client of a third."""
    with cluster(binary, 3) as (_, (a, b, c)):
        client, joiner, sender = Client(c), Caller(a), Caller(b)
        lost = 0
        for number in range(PAIRS):
            checked(joiner.call(joiner.request("PUT", f"/groups/g{number}/connections/{client.id}")))
            lost += is_lost(sender, client, f"g{number}", number)
    return {"lost": (lost, f"of {PAIRS:,} joins and sends")}


def races(binary):
    """A user is put into a group through one node while its connection opens at another."""
    lost = 0
    with cluster(binary, 3) as (_, (a, b, c)):
        joiner, sender = Caller(a), Caller(b)
        for number in range(PAIRS):
            join = joiner.request("PUT", f"/groups/g{number}/users/u{number}")
            client = Client(c, f"u{number}", waits=False)
            # Both are under way at the same time, the one or the other a bit earlier.
            for begin in [lambda: joiner.send(join), client.begin][:: 1 if number % 2 else -1]:
                begin()
            client.end_of_handshake()
            checked(joiner.answer()[0])
            lost += is_lost(sender, client, f"g{number}", number)
            client.socket.close()
    return {"missed": (lost, f"of {PAIRS:,} users")}


def is_lost(sender, client, group, number):
    """Whether a message to a group does not come. One to all follows it, which must."""
    checked(sender.call(sender.request("POST", f"/groups/{group}", json.dumps({"target": "m", "arguments": [number]}).encode())))
    checked(sender.call(sender.request("POST", "", b'{"target":"end","arguments":[]}')))
    came = 0
    while client.record()["target"] != "end":
        came += 1
    return came != 1


def checked(status):
    if not is_ok(status):
        raise SystemExit(f"a call was answered {status}")


# Failures.

def killed(binary):
    """A node that is killed: when its users are gone for the others, and when a call to its client ends."""
    with contextlib.ExitStack() as stack:
        broker, (a,) = stack.enter_context(cluster(binary, 1))
        b = stack.enter_context(node(binary, broker))
        client, caller, waiting = Client(b, "ann"), Caller(a), Caller(a)
        waiting.send(waiting.request("POST", f"/connections/{client.id}/:invoke{VERSION}", b'{"target":"ask","arguments":[]}', INVOKE))
        client.record()
        begin = time.perf_counter()
        os.kill(b.pid, signal.SIGKILL)
        gone = until(caller, 404, begin)
        waiting.answer()
        return {"gone": (gone, ""), "answered": ((time.perf_counter() - begin) * 1000, "a call of the client's method")}


def frozen(binary):
    """A node that stands still: when its users are gone for the others, and its name from the broker."""
    with cluster(binary, 2) as (broker, (a, b)):
        _client, caller = Client(b, "ann"), Caller(a)
        os.kill(b.pid, signal.SIGSTOP)
        try:
            gone = until(caller, 404, time.perf_counter())
        finally:
            os.kill(b.pid, signal.SIGCONT)
    return {"gone": (gone / 1000, "")}


def until(caller, status, begin):
    """Milliseconds until the existence of a user is answered so."""
    request = caller.request("HEAD", "/users/ann")
    while caller.call(request) != status:
        pass
    return (time.perf_counter() - begin) * 1000


def away(binary):
    """The broker is killed, stays away while callers go on, and comes back."""
    seconds, pace = 60, 5_000
    with cluster(binary, 2) as (broker, (a, b)):
        client, caller, far = Client(a, "ann"), Caller(a), Client(b, "bob")
        own = caller.request("POST", f"/connections/{client.id}", b'{"target":"m","arguments":[]}')
        to_far = caller.request("POST", "/users/bob", b'{"target":"m","arguments":[]}')

        def local(_):
            status = caller.call(own)
            client.record()
            return status
        before = quantiles(timed(local, COUNT, is_ok))[1]
        memory = nodes.memory(a.pid)
        begin = time.monotonic()
        broker.kill()
        while is_ready(a) or is_ready(b):
            time.sleep(0.01)
        noticed = time.monotonic() - begin
        meanwhile = quantiles(timed(local, COUNT, is_ok))[1]
        for number in range(seconds * pace):
            caller.call(to_far)
            time.sleep(max(0, begin + number / pace - time.monotonic()))
        grown = (nodes.memory(a.pid) - memory) / 1e6
        broker.start()
        begin = time.monotonic()
        while caller.call(to_far) != 202:
            time.sleep(0.005)
        # Pings come all the time, so the time limit of the socket is not enough.
        far.record(20)
        back = time.monotonic() - begin
        while not (is_ready(a) and is_ready(b)):
            time.sleep(0.005)
        ready = time.monotonic() - begin
    return {"memory": (grown, f"of the caller's node, {pace:,} sends a second for {seconds} s"),
            "local": (meanwhile / before, f"{meanwhile:.0f} µs beside {before:.0f} µs before"),
            "noticed": (noticed, "both nodes"), "back": (back, "from the moment at which the broker listens"), "ready": (ready, "as before")}


def is_ready(one):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{one.admin}/ready", timeout=5) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False
