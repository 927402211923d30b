"""Starts what a cluster is made of: Redis, nodes, and nginx in front of them."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import programs

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 20
NGINX = """
daemon off;
pid {folder}/nginx.pid;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log stderr warn;
events {{ worker_connections 10000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream nodes {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
    }}
  }}
}}
"""


class Node:
    """A node, or a service by itself."""

    def __init__(self, pid, lines):
        self.pid = pid
        self.service = next(programs.found(r"Endpoint=\S+", line) for line in lines if "Endpoint=" in line)
        self.port = int(programs.found(r"Port=\d+", self.service)[len("Port="):])
        self.admin = next(int(line.rsplit(":", 1)[1]) for line in lines if line.startswith("admin"))


class Redis:
    """A broker that can be killed and started again."""

    def __init__(self, folder, appends):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        lasting = ["--appendonly", "yes", "--appendfsync", "everysec"] if appends else []
        server = os.environ.get("REDIS_SERVER", "redis-server")
        self.command = [server, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, *lasting]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        wait_for(self.port)

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait()

    def info(self, name):
        with socket.create_connection(("127.0.0.1", self.port)) as one:
            one.sendall(b"INFO everything\r\n")
            text = b""
            while f"{name}:".encode() not in text:
                text += one.recv(65536)
        return int(re.search(rf"^{name}:(\d+)", text.decode(errors="replace"), re.MULTILINE).group(1))


@contextlib.contextmanager
def redis(appends=False):
    with tempfile.TemporaryDirectory() as folder:
        one = Redis(folder, appends)
        try:
            yield one
        finally:
            one.kill()


@contextlib.contextmanager
def node(binary, broker=None):
    options = [] if broker is None else ["--broker", broker.url]
    with programs.running([binary, "serve", "--port", "0", "--admin-port", "0", *options]) as (pid, lines):
        yield Node(pid, lines)


@contextlib.contextmanager
def cluster(binary, count, appends=False):
    """Gives the broker and the nodes."""
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(redis(appends))
        yield broker, [stack.enter_context(node(binary, broker)) for _ in range(count)]


@contextlib.contextmanager
def nginx(nodes):
    """Gives the process ids of nginx and the connection string through it."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        raise SystemExit("there is no nginx; `make nginx` installs it")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        servers = " ".join(f"server 127.0.0.1:{one.port};" for one in nodes)
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, servers=servers, port=port))
        process = subprocess.Popen([program, "-c", configuration, "-p", folder, "-e", "stderr"])
        try:
            wait_for(port)
            workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield [process.pid, *map(int, workers)], f"Endpoint=http://127.0.0.1;Port={port};AccessKey={KEY};Version=1.0;"
        finally:
            process.terminate()
            process.wait()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / TICKS


def memory(pid):
    """Resident bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.002)
    raise SystemExit(f"nothing listens on port {port}")
