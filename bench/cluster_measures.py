"""What `make bench-cluster` measures: what deliveries, connections and commands cost a cluster.

A measure gets the binary and gives values by name, each with a text that says what it is made of.
"""

import contextlib
import json
import subprocess
import time

import nodes
import programs
from nodes import cluster, cpu_seconds, nginx, node, redis

COMMANDS = programs.RELEASE / "examples" / "commands"
DELIVERIES_A_SECOND = 20_000
PACED_SECONDS = 7
FEW, MANY = 1_000, 15_000
# From the last connection of a user on, a node keeps the subscription for 5 s.
LINGER_SECONDS = 6
MEGABYTE = 1e6


def reach(*services, callers_at=None):
    arguments = [argument for one in services for argument in ("--service", one.service)]
    return arguments if callers_at is None else [*arguments, "--callers-at", callers_at.service]


def pids(*processes):
    return [argument for one in processes for argument in ("--pid", one.pid)]


def commands(*arguments):
    done = subprocess.run([COMMANDS, *map(str, arguments)], stdout=subprocess.PIPE, text=True, timeout=programs.LOAD_SECONDS, check=True)
    return json.loads(done.stdout)


# Latency.

def latency(binary):
    """One message after the other to one of 100 users, sent by REST: to the client's node, and to another one."""
    def micros(to):
        report = programs.load("broadcast", to, "--connections", 100, "--to", "users", "--size", 200, "--messages", 15_000, "--one-by-one")
        return report["latency_micros"], report["deliveries_per_second"]
    with node(binary) as alone:
        single, _ = micros(reach(alone))
    with cluster(binary, 2) as (_, (a, b)):
        same, _ = micros(reach(b))
        across, rate = micros(reach(b, callers_at=a))
    return {name: (across[name] - single[name],
                   f"{across[name]} µs; caller at the client's node {same[name]} µs; without a broker {single[name]} µs; {rate:,.0f} messages a second")
            for name in ("p50", "p99")}


# Commands.

def one_way(size, binary):
    """Sends to users of another node without HTTP and clients: how many, and what each costs."""
    count = 400_000 if size < 1_000 else 150_000
    with redis() as broker:
        one = commands("one-way", broker.url, broker.pid, size, count, 1)
    lost = f"{one['lost']} lost, {one['refused']} refused of {count:,}"
    of_broker = f"the broker {one['broker_micros']:.2f} µs; {lost}"
    return {"rate": (one["commands_a_second"], of_broker), "publisher": (one["publisher_micros"], of_broker),
            "receiver": (one["receiver_micros"], of_broker)}


def to_four(binary):
    """The rate of commands that four nodes take, as a share of that to one node."""
    with redis() as broker:
        one, four = (commands("one-way", broker.url, broker.pid, 200, 200_000, count)["commands_a_second"] for count in (1, 4))
    return {"share": (four / one, f"{four:,.0f}/s beside {one:,.0f}/s")}


def rest_one_way(binary):
    """Sends by REST to users of another node, 16 at a time, beside those of a service without a broker."""
    load = ["--connections", 1_000, "--to", "users", "--size", 200, "--in-flight", 16, "--messages", 40_000]
    with node(binary) as alone:
        single = programs.load("broadcast", reach(alone), *pids(alone), *load)
    with cluster(binary, 2) as (broker, (a, b)):
        across = programs.load("broadcast", reach(b, callers_at=a), *pids(a, b, broker), *load)
    cost = across["server"]["cpu_micros_per_delivery"] / single["server"]["cpu_micros_per_delivery"]
    parts = ", ".join(f"{one['cpu_seconds'] / 40_000 * 1e6:.1f}" for one in across["server"]["processes"])
    return {"cost": (cost, f"CPU of caller's node, client's node and broker {parts} µs beside "
                           f"{single['server']['cpu_micros_per_delivery']:.1f} µs without a broker"),
            "rate": (across["deliveries_per_second"], f"beside {single['deliveries_per_second']:,.0f}/s without a broker, on the same two cores")}


# Interest.

def channels(binary):
    """The channels of 50,000 users, subscribed by one node without sockets."""
    with redis() as broker:
        before = broker.info("used_memory")
        holder = subprocess.Popen([COMMANDS, "hold", broker.url, "50000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        held = json.loads(holder.stdout.readline())
        of_broker = (broker.info("used_memory") - before) / MEGABYTE
        holder.communicate()
    return {"node": (held["memory_bytes"] / MEGABYTE, "50,000 channels, of one node"),
            "broker": (of_broker, "50,000 channels, INFO used_memory"),
            "rate": (held["users"] / held["seconds"], "each confirmed")}


def users(binary):
    """50,000 users with a connection each on three nodes, beside the memory of a service without a broker."""
    share = 50_000 // 3 + 1
    load = ["--connections", share, "--to", "users", "--messages", 0]
    with node(binary) as alone:
        single = programs.load("broadcast", reach(alone), *pids(alone), *load)["server"]["memory_bytes_per_connection"]
    with cluster(binary, 3) as (broker, members), contextlib.ExitStack() as stack:
        before, of_broker = [nodes.memory(one.pid) for one in members], broker.info("used_memory")
        for number, one in enumerate(members):
            # Each load gives its users the same names, so each has a hub of its own.
            command = [programs.RELEASE / "load", "broadcast", *reach(one), "--hub", f"bench{number}", *load, "--hold", "600"]
            stack.callback(ended, subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL))
        # A user and a connection are a channel each. There are a few more, of hubs and nodes.
        end = time.monotonic() + 200
        while broker.info("pubsub_channels") < 2 * 3 * share:
            if time.monotonic() > end:
                raise SystemExit("not all users were connected in 200 s")
            time.sleep(0.2)
        grown = sum(nodes.memory(one.pid) - earlier for one, earlier in zip(members, before)) / (3 * share)
        of_broker = (broker.info("used_memory") - of_broker) / MEGABYTE
    return {"node": ((grown - single) * 50_000 / MEGABYTE, f"{grown:,.0f} bytes for each connected user beside {single:,.0f} without a broker; two channels each"),
            "broker": (of_broker, "100,000 channels, INFO used_memory")}


def ended(process):
    process.terminate()
    process.wait()


def visits(binary):
    """The channels of connections that come and go, 1,000 a second, of one node without sockets."""
    with redis() as broker:
        one = commands("visits", broker.url, broker.pid, 10_000)
    detail = f"{one['node_micros']:.0f} µs and the broker {one['broker_micros']:.0f} µs for the two channels of a connection and its user"
    # 1,000 a second for one µs each are 0.1 % of a core.
    return {"node": (one["node_micros"] / 10, detail), "broker": (one["broker_micros"] / 10, detail)}


def connects(binary):
    """Connections of users one after the other, from the handshake to the end of their subscriptions."""
    count = 10_000
    def micros(server, *processes):
        before = [cpu_seconds(one.pid) for one in processes]
        report = programs.load("connections", reach(server), "--users", "--count", count)
        time.sleep(LINGER_SECONDS)
        return [(cpu_seconds(one.pid) - earlier) / count * 1e6 for one, earlier in zip(processes, before)], count / report["seconds"]
    with node(binary) as alone:
        [single], rate_of_single = micros(alone, alone)
    with cluster(binary, 1) as (broker, [a]):
        [with_broker, of_broker], rate = micros(a, a, broker)
    detail = f"{with_broker:.0f} µs beside {single:.0f} µs without a broker; {rate:,.0f}/s beside {rate_of_single:,.0f}/s one at a time"
    return {"node": (with_broker - single, detail), "broker": (of_broker, "subscriptions, and the groups of the user")}


# Deliveries.

def deliveries(binary):
    """Messages to all, paced: two nodes and the broker together, beside one process."""
    def load(connections):
        pace = max(1, DELIVERIES_A_SECOND // connections)
        return ["--connections", connections, "--pace", pace, "--messages", pace * PACED_SECONDS, "--timeout", 60]
    single, both = {}, {}
    for connections in (FEW, MANY):
        with node(binary) as alone:
            single[connections] = cost(programs.load("broadcast", reach(alone), *pids(alone), *load(connections)))
        with cluster(binary, 2) as (broker, (a, b)):
            both[connections] = cost(programs.load("broadcast", reach(a, b), *pids(a, b, broker), *load(connections)))
    growth = {name: costs[MANY] / costs[FEW] for name, costs in (("single", single), ("both", both))}
    detail = {count: f"{both[count]:.2f} µs beside {single[count]:.2f} µs a delivery" for count in (FEW, MANY)}
    return {"few": (single[FEW] / both[FEW], detail[FEW]), "many": (single[MANY] / both[MANY], detail[MANY]),
            "growth": (growth["both"] / growth["single"], f"{growth['both']:.2f} x beside {growth['single']:.2f} x")}


def through_nginx(binary):
    """2,000 clients of two nodes behind nginx, and their callers too."""
    load = ["--connections", 2_000, "--pace", 10, "--messages", 70, "--negotiate"]
    with cluster(binary, 2) as (broker, members), nginx(members) as (workers, service):
        of_nginx = [argument for pid in workers for argument in ("--pid", pid)]
        report = programs.load("broadcast", ["--service", service], *pids(*members, broker), *of_nginx, *load)
    of_each = [one["cpu_seconds"] / report["delivered"] * 1e6 for one in report["server"]["processes"]]
    return {"delivered": (report["delivered"] / report["expected"],
                          f"{report['delivered']:,} deliveries; nodes and broker {sum(of_each[:3]):.1f} µs, nginx {sum(of_each[3:]):.1f} µs each")}


def cost(report):
    return report["server"]["cpu_micros_per_delivery"]
