"""Runs schemathesis, an API fuzzer, on the service's own description.

The service runs as a user would start it, but lenient: the fuzzer cannot sign a token for each URL.
Usage: fuzz.py SIGNALR_BINARY SCHEMATHESIS_BINARY [SECONDS]
"""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys

KEY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
# What must hold for every answer: no 5xx, and only what the description promises.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
# The same cases at each run.
SEED = "1"


def main():
    signalr, schemathesis = sys.argv[1:3]
    seconds = sys.argv[3] if len(sys.argv) > 3 else "40"
    service = subprocess.Popen(
        [signalr, "serve", "--port", "0", "--lenient", "--invocation-timeout", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        base = wait_until_ready(service)
        command = [schemathesis, "run", f"{base}/api/openapi.json", "--header", f"Authorization: Bearer {token()}"]
        command += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-time", seconds]
        command += ["--seed", SEED, "--generation-database", "none", "--no-color", "--warnings", "off"]
        status = subprocess.run(command).returncode
        if service.poll() is not None:
            sys.exit(f"the service ended with {service.returncode}")
        sys.exit(status)
    finally:
        service.terminate()
        service.wait()


def wait_until_ready(service):
    base = None
    for line in service.stdout:
        found = re.match(r"service +(http://\S+)", line)
        base = found.group(1) if found else base
        if line == "ready\n":
            return base
    sys.exit("the service did not start")


def token():
    head, claims = (encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, {}))
    signed = f"{head}.{claims}"
    return f"{signed}.{encode(hmac.new(KEY, signed.encode(), hashlib.sha256).digest())}"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


main()
