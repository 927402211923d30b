"""Starts Redis, three nodes, nginx in front of them and the chat page. They run until the program is interrupted."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NODES = 3
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"

# Any node accepts any request, so nginx sends the requests to the nodes in turn.
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream nodes {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 2m;
    location / {{
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_read_timeout 120s;
      proxy_next_upstream error timeout http_503 non_idempotent;
    }}
  }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def main(binary):
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if nginx is None:
        sys.exit("there is no nginx; install it, such as by apt-get install nginx-light")
    redis = os.environ.get("REDIS_SERVER", "redis-server")
    processes = []

    def start(*command, env=None):
        # Each program has its own session, so that an interrupt from the keyboard reaches only this script.
        everything = {**os.environ, **(env or {})}
        processes.append(subprocess.Popen([str(one) for one in command], env=everything, start_new_session=True))

    with tempfile.TemporaryDirectory() as folder:
        try:
            broker, front = free_port(), free_port()
            start(redis, "--port", broker, "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--loglevel", "warning")
            wait_for(broker)
            url = f"redis://127.0.0.1:{broker}"
            nodes = [free_port() for _ in range(NODES)]
            for port in nodes:
                start(binary, "serve", "--port", port, "--broker", url, "--client-messages", "ignore")
            for port in nodes:
                wait_for(port)
            servers = " ".join(f"server 127.0.0.1:{port};" for port in nodes)
            configuration = Path(folder) / "nginx.conf"
            configuration.write_text(NGINX.format(folder=folder, servers=servers, port=front))
            start(nginx, "-c", configuration, "-p", folder, "-e", "stderr")
            wait_for(front)
            connection = f"Endpoint=http://localhost;Port={front};AccessKey={KEY};Version=1.0;"
            start(binary, "dev", env={"AzureSignalRConnectionString": connection})
            print(f"\nthe nodes: {binary} cluster status --broker {url}\n", flush=True)
            processes[-1].wait()
        except KeyboardInterrupt:
            pass
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in reversed(processes):
                process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
