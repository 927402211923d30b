"""The measurement for each bar: a value of our program, and one of the program it is compared with, in one round.

A measurement is a function without arguments that returns (our value, the other value). It starts and ends both
servers.
"""

import functools
import json
import statistics
import time
import urllib.request

import programs

DELIVERIES_A_SECOND = 20_000
PACED_SECONDS = 5
FLOOD_MESSAGES = 500
# The service writes messages together, so each costs much less. It needs more messages for a measurable time.
SERVICE_FLOOD = 20
IDLE_CONNECTIONS = 15_000
IDLE_SECONDS = 60
KEEP_ALIVE_SECONDS = 15
CONNECTIONS_MADE = 5_000
CALLS = 60_000
CALLS_IN_FLIGHT = 16
STARTS = 11
# The server has one core and the load the other. Calls a second are calls in a second of CPU time, so that other
# programs on the machine do not change the value.
SERVER_CORE, LOAD_CORE = 0, 1
FUNCTION_ACCESS_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
FUNCTION = {
    "AzureSignalRConnectionString": f"Endpoint=https://x.service.signalr.net;AccessKey={FUNCTION_ACCESS_KEY};Version=1.0;",
    "SIGNALR_HUB": "bench",
    "FUNCTION_KEY": "key",
}
# As long as the token that the function sends. The hello passes it on.
BEARER = f"authorization: Bearer {'x' * 260}"
MESSAGE = json.dumps({"target": "bench", "arguments": [1, 2, "x" * 100]}, separators=(",", ":"))


def broadcast(reach, pid, connections, *options, **load):
    return programs.load("broadcast", reach, "--pid", pid, "--connections", connections, *options, **load)


def of_floor(value, connections, *options, members=None, keep_alive=None):
    """A value of the floor's report. With `members`, a message goes to this many of the connections."""
    flags = [] if keep_alive is None else ["--keep-alive", str(keep_alive)]
    with programs.floor(*flags) as (pid, reach):
        if members is not None:
            reach = [*reach[:-1], f"{reach[-1]}?members={members}"]
        return value(broadcast(reach, pid, connections, *options))


def of_service(value, connections, *options):
    with programs.service() as (pid, reach):
        return value(broadcast(reach, pid, connections, *options))


def cost_of_delivery(report):
    return report["server"]["cpu_micros_per_delivery"]


def cost_of_connection(report):
    return report["server"]["cpu_micros_per_connection"]


def cpu_seconds(report):
    return report["server"]["cpu_seconds"]


def memory_kib(report):
    return report["server"]["memory_bytes_per_connection"] / 1024


def calls_a_second(micros):
    return 1e6 / micros


def latency_p99(report):
    return report["latency_micros"]["p99"] / 1000


def paced(recipients):
    pace = max(1, DELIVERIES_A_SECOND // recipients)
    return ["--pace", pace, "--messages", pace * PACED_SECONDS]


def group(members):
    return ["--to", "group", "--members", members]


# Deliveries.

def delivery(connections, *options, members=None):
    flow = paced(members or connections)
    chosen = [] if members is None else group(members)
    return (of_service(cost_of_delivery, connections, *flow, *chosen, *options),
            of_floor(cost_of_delivery, connections, *flow, *chosen, members=members))


def flood(connections, *options, members=None):
    """Our value with 32 messages in flight, and the floor's with one at a time."""
    chosen = [] if members is None else group(members)
    joined = ["--in-flight", 32, "--messages", FLOOD_MESSAGES * SERVICE_FLOOD]
    return (of_service(cost_of_delivery, connections, *joined, *chosen, *options),
            of_floor(cost_of_delivery, connections, "--messages", FLOOD_MESSAGES, *chosen, members=members))


def latency(connections, pace):
    flow = ["--pace", pace, "--messages", pace * PACED_SECONDS, "--timeout", 60]
    return of_service(latency_p99, connections, *flow), of_floor(latency_p99, connections, *flow)


def delivery_beside_websocket(transport, connections):
    flow = paced(connections)
    return (of_service(cost_of_delivery, connections, *flow, "--transport", transport),
            of_service(cost_of_delivery, connections, *flow))


# Connections.

def memory_of_idle():
    return of_service(memory_kib, IDLE_CONNECTIONS, "--messages", 0), None


def cpu_of_idle():
    held = ["--messages", 0, "--hold", IDLE_SECONDS]
    return (of_service(cpu_seconds, IDLE_CONNECTIONS, *held),
            of_floor(cpu_seconds, IDLE_CONNECTIONS, *held, keep_alive=KEEP_ALIVE_SECONDS))


def connection_made(*options):
    return (of_service(cost_of_connection, CONNECTIONS_MADE, "--messages", 0, *options),
            of_floor(cost_of_connection, CONNECTIONS_MADE, "--messages", 0))


def connection_beside_websocket(transport):
    of = functools.partial(of_service, cost_of_connection, CONNECTIONS_MADE, "--messages", 0)
    return of("--transport", transport), of("--negotiate")


# Calls.

def one_of_many(kind, connections):
    """REST calls a second on one core, each to another user or group. Compared with a hello that reads the body."""
    in_flight = ["--in-flight", CALLS_IN_FLIGHT, "--messages", CALLS // 2]
    with programs.service(core=SERVER_CORE) as (pid, reach):
        report = broadcast(reach, pid, connections, "--to", kind, *in_flight, core=LOAD_CORE)
    return calls_a_second(cost_of_delivery(report)), calls_a_second(cost_of_hello("/read", MESSAGE))


def one_among(many, few):
    """CPU time of a send to one user among many, and to one among few."""
    def cost(connections):
        return of_service(cost_of_delivery, connections, "--to", "users", "--in-flight", CALLS_IN_FLIGHT, "--messages", CALLS // 3)
    return cost(many), cost(few)


def negotiate_function():
    answer = len(answer_of_negotiate())
    with programs.function("negotiate", FUNCTION, SERVER_CORE) as (pid, url):
        ours = calls(f"{url}/api/negotiate", pid)["cpu_micros_each"]
    return calls_a_second(ours), calls_a_second(cost_of_hello("/answer", "", "--answer-bytes", str(answer)))


def memory_of_negotiate():
    """The most memory in MiB, after 100,000 requests."""
    with programs.function("negotiate", FUNCTION) as (pid, url):
        return calls(f"{url}/api/negotiate", pid, count=100_000)["most_memory_bytes"] / 1024 / 1024, None


def size_of_negotiate():
    """The size in MiB of the program as built for AWS Lambda, without its symbols."""
    stripped = programs.RELEASE / "negotiate.stripped"
    programs.subprocess.run(["strip", "-o", stripped, programs.RELEASE / "negotiate"], check=True)
    return stripped.stat().st_size / 1024 / 1024, None


def start_of_negotiate():
    """Milliseconds from exec to the first answer: the median of several starts, in turns with starts of a hello."""
    ours, others = [], []
    for _ in range(STARTS):
        ours.append(first_answer(lambda: programs.function("negotiate", FUNCTION), "/api/negotiate"))
        others.append(first_answer(lambda: programs.hello(None), "/answer"))
    return statistics.median(ours), statistics.median(others)


def broadcast_function():
    """CPU time of a call. Compared with a hello that forwards the same body and a token of the same length by the
    same HTTP client. Both send to another hello."""
    with programs.hello(None) as (_, sink):
        environment = {**FUNCTION, "AzureSignalRConnectionString": connection_string(sink)}
        with programs.function("broadcast", environment) as (pid, url):
            ours = calls(f"{url}/api/broadcast", pid, MESSAGE, "--header", "x-functions-key: key", count=CALLS // 3)
        with programs.hello(None, "--forward-to", f"{sink}/read") as (pid, url):
            other = calls(f"{url}/forward", pid, MESSAGE, "--header", BEARER, count=CALLS // 3)
    return ours["cpu_micros_each"], other["cpu_micros_each"]


def connection_string(url):
    host, port = url.rsplit(":", 1)
    return f"Endpoint={host};Port={port};AccessKey={FUNCTION_ACCESS_KEY};Version=1.0;"


def cost_of_hello(path, body, *options):
    with programs.hello(SERVER_CORE, *options) as (pid, url):
        return calls(url + path, pid, body)["cpu_micros_each"]


def calls(url, pid, body="", *options, count=CALLS):
    return programs.load("calls", ["--url", url], "--pid", pid, "--body", body, "--count", count,
                         "--in-flight", CALLS_IN_FLIGHT, *options, core=LOAD_CORE)


def answer_of_negotiate():
    with programs.function("negotiate", FUNCTION) as (_, url):
        return post(f"{url}/api/negotiate")


def first_answer(server, path):
    start = time.perf_counter()
    with server() as (_, url):
        post(url + path)
        return (time.perf_counter() - start) * 1000


def post(url):
    with urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=30) as answer:
        return answer.read()
