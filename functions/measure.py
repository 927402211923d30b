"""Measures the release builds of the functions on AWS Lambda's terms, beside a bare lambda_http hello.

Each program is started against a stand-in for Lambda's runtime API that has one event waiting. The time
runs from exec to the arrival of the answer; the memory is the most that the process had by then.
"""

import json
import statistics
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = ROOT / "target" / "release"
STARTS = 20
LAMBDA_ONLY = ["--no-default-features", "--features", "lambda"]

# The label, the package, the binary that is built from it, and the path that is called.
PROGRAMS = [
    ("bare lambda_http hello", "signalr-function-runtime", ["--example", "bare-hello", *LAMBDA_ONLY], "/"),
    ("negotiate as on Lambda, without `entra` and `oidc`", "signalr-negotiate", LAMBDA_ONLY, "/negotiate"),
    ("negotiate", "signalr-negotiate", [], "/negotiate"),
    ("broadcast", "signalr-broadcast", [], "/"),
    ("group-admin", "signalr-group-admin", [], "/"),
]
ENVIRONMENT = {
    "AzureSignalRConnectionString": "Endpoint=https://x.service.signalr.net;AccessKey=key;Version=1.0;",
    "SIGNALR_HUB": "chat",
    "FUNCTION_KEY": "key",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
}


def main():
    print("| program | size | exec to first answer | memory |")
    print("|---|---:|---:|---:|")
    for shown, package, selection, path in PROGRAMS:
        program = build(package, selection)
        runs = [first_answer(program, path) for _ in range(STARTS)]
        size = program.stat().st_size / 1e6
        took, memory = (statistics.median(values) for values in zip(*runs))
        print(f"| {shown} | {size:.2f} MB | {took * 1000:.1f} ms | {memory / 1024:.1f} MiB |", flush=True)


def build(package, selection):
    command = ["cargo", "build", "--locked", "--release", "--package", package, *selection]
    output = subprocess.run([*command, "--message-format", "json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in output.stdout.splitlines()]
    return Path([message["executable"] for message in messages if message.get("executable")][-1])


def first_answer(program, path):
    """Seconds from exec to the answer, and the most memory by then, in KiB."""
    runtime = Runtime(path)
    start = time.perf_counter()
    process = subprocess.Popen([program], env={**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": runtime.address})
    try:
        if not runtime.answered.wait(timeout=30):
            raise SystemExit(f"{program} gave no answer")
        return runtime.answered_at - start, most_memory(process.pid)
    finally:
        process.kill()
        process.wait()
        runtime.stop()


def most_memory(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


class Runtime:
    """A stand-in for Lambda's runtime API with one event."""

    def __init__(self, path):
        self.event = json.dumps(event(path)).encode()
        self.answered = threading.Event()
        self.answered_at = None
        self.stopped = threading.Event()
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if runtime.answered.is_set():
                    runtime.stopped.wait()
                    return
                self.send_response(200)
                self.send_header("lambda-runtime-aws-request-id", "one")
                self.send_header("lambda-runtime-deadline-ms", "4102444800000")
                self.send_header("lambda-runtime-invoked-function-arn", "arn")
                self.send_header("content-length", str(len(runtime.event)))
                self.end_headers()
                self.wfile.write(runtime.event)

            def do_POST(self):
                runtime.answered_at = time.perf_counter()
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if "/response" not in self.path or json.loads(body).get("statusCode", 0) >= 500:
                    raise SystemExit(f"{self.path}: {body}")
                runtime.answered.set()
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()


def event(path):
    method = "GET" if path == "/" else "POST"
    http = {"method": method, "path": path, "protocol": "HTTP/1.1"}
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": False,
        "headers": {"host": "x.execute-api.eu-west-1.amazonaws.com"},
        "requestContext": {"stage": "$default", "routeKey": "$default", "http": http},
    }


if __name__ == "__main__":
    main()
