"""Compares servers of other projects with the service and the floor, round by round, and writes bench/peers.md.

ws and socket.io run on Node, nchan in Debian's nginx; each is one process. Negotiate is compared with an
endpoint in Node and a hello on axum, each on one core.
"""

import argparse
import contextlib
import datetime
import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import compare
import measures
import programs

RESULTS = Path(__file__).parent / "peers.md"
FOLDER = Path(__file__).parent / "peers"
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
ROUNDS = 3
CONNECTIONS = (1_000, 5_000)
MESSAGES_IN_FLIGHT = 4
FLOOD_MESSAGES = 500
SERVICE_FLOOD = 10


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", help=f"some of {', '.join(SERVERS)}; only these are measured, and the result is printed and not written")
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    given = arguments.parse_args()
    chosen = {name: SERVERS[name] for name in given.names or SERVERS if name in SERVERS}
    if not chosen:
        raise SystemExit(f"no such server; the servers are {', '.join(SERVERS)}")
    commit = f"{compare.measured_commit()}, load average before {os.getloadavg()[0]:.1f}"
    install()
    programs.build(*programs.FUNCTIONS)
    rounds = [one_round(number, chosen) for number in range(given.rounds)]
    negotiates = [round_of_negotiates(number) for number in range(given.rounds)]
    text = page(chosen, rounds, negotiates, commit)
    print(text)
    if not given.names:
        RESULTS.write_text(text)


def install():
    """Installs the servers with npm and apt."""
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)
    subprocess.run([FOLDER / "install-nchan"], check=True)


@contextlib.contextmanager
def node(script, *options, core=None, environment=None):
    """Yields the process id of a server on Node, and the arguments with which a load reaches it."""
    with programs.running(["node", FOLDER / script], core, environment) as (pid, lines):
        url, publish = (programs.found(r"http://\S+", line) for line in lines[:2])
        yield pid, ["--url", url, "--publish", publish, *options]


@contextlib.contextmanager
def nchan():
    """nginx with nchan as one process, in its own folder and on its own port."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        text = (FOLDER / "nchan.conf").read_text()
        for name, value in {"FOLDER": folder, "PORT": port, "MODULE": MODULE}.items():
            text = text.replace(name, str(value))
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(text)
        environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}
        process = subprocess.Popen(["nginx", "-c", configuration, "-p", folder], env=environment)
        try:
            wait_for(port)
            at = f"http://127.0.0.1:{port}"
            yield process.pid, ["--url", f"{at}/client", "--publish", f"{at}/publish", "--dialect", "plain"]
        finally:
            process.terminate()
            process.wait(programs.STOP_SECONDS)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + programs.START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


SERVERS = {
    "floor": programs.floor,
    "service": programs.service,
    "nginx + nchan": nchan,
    "ws": lambda: node("ws.js"),
    "socket.io": lambda: node("socket-io.js", "--dialect", "socket.io"),
}


def one_round(number, servers):
    return {name: measured(number, name, server) for name, server in servers.items()}


def measured(number, name, server):
    """The reports of one server: for each number of connections, and for messages in flight."""
    reports = []
    for connections in CONNECTIONS:
        with server() as (pid, reach):
            reports.append(measures.broadcast(reach, pid, connections, *measures.paced(connections)))
    messages = FLOOD_MESSAGES * (SERVICE_FLOOD if name == "service" else 1)
    with server() as (pid, reach):
        reports.append(measures.broadcast(reach, pid, CONNECTIONS[0], "--in-flight", MESSAGES_IN_FLIGHT, "--messages", messages))
    costs = ", ".join(f"{measures.cost_of_delivery(report):.3f}" for report in reports)
    print(f"round {number + 1}  {name:14} {costs} µs a delivery", flush=True)
    return reports


def round_of_negotiates(number):
    """Requests in a second of CPU time. Each server has one core."""
    with programs.function("negotiate", measures.FUNCTION, measures.SERVER_CORE) as (pid, url):
        ours = measures.calls(f"{url}/api/negotiate", pid)["cpu_micros_each"]
    hello = measures.cost_of_hello("/answer", "")
    secret = {"ACCESS_KEY": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"}
    with node("negotiate.js", core=measures.SERVER_CORE, environment=secret) as (pid, reach):
        of_node = measures.calls(reach[1], pid, count=measures.CALLS // 4)["cpu_micros_each"]
    costs = {"function negotiate": ours, "hello on axum": hello, "Node, http and jsonwebtoken": of_node}
    found = {name: measures.calls_a_second(cost) for name, cost in costs.items()}
    print(f"round {number + 1}  " + ", ".join(f"{name} {value:,.0f}/s" for name, value in found.items()), flush=True)
    return found


def page(servers, rounds, negotiates, commit):
    heads = [f"{connections:,} connections, paced" for connections in CONNECTIONS]
    heads.append(f"{CONNECTIONS[0]:,} connections, {MESSAGES_IN_FLIGHT} in flight")
    lines = [
        "# Servers of other projects", "",
        f"`make bench-peers` on {datetime.date.today()}, commit {commit}. {compare.machine()}.", "",
        "CPU time (user + system) of the server for each delivery of 100 bytes, with its ratio to the floor in the same round. "
        f"Values are medians of {len(rounds)} rounds. The other servers do less than the service: no tokens, no groups, no users.", "",
        "| server | " + " | ".join([*heads, f"a connection made, of {CONNECTIONS[1]:,}", f"memory of an idle one, of {CONNECTIONS[1]:,}"]) + " |",
        "|---|" + "---:|" * (len(heads) + 2),
    ]
    for name in servers:
        cells = [cost(rounds, name, index, measures.cost_of_delivery) for index in range(len(heads))]
        cells.append(cost(rounds, name, 1, measures.cost_of_connection))
        cells.append(f"{statistics.median(measures.memory_kib(each[name][1]) for each in rounds):.1f} KiB")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| negotiate | requests in a second of CPU time |", "|---|---:|"]
    for name in negotiates[0]:
        lines.append(f"| {name} | {statistics.median(each[name] for each in negotiates):,.0f} |")
    return "\n".join([*lines, ""])


def cost(rounds, name, index, value):
    ours = statistics.median(value(each[name][index]) for each in rounds)
    if "floor" not in rounds[0]:
        return f"{ours:.2f} µs"
    ratio = statistics.median(value(each[name][index]) / value(each["floor"][index]) for each in rounds)
    return f"{ours:.2f} µs ({ratio:.2f} x)"


if __name__ == "__main__":
    main()
