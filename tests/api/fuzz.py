"""Runs schemathesis, an API fuzzer, with the service's own OpenAPI description.

The service runs as a user would start it. `sign.py` signs each request.
Usage: fuzz.py SIGNALR_BINARY SCHEMATHESIS_BINARY [SECONDS]
"""

import os
import re
import subprocess
import sys
from pathlib import Path

# Every answer must pass these checks: no 5xx, and nothing that the description does not promise.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
# With a fixed seed, each run has the same cases.
SEED = "1"


def main():
    signalr, schemathesis = sys.argv[1:3]
    seconds = sys.argv[3] if len(sys.argv) > 3 else "40"
    service = subprocess.Popen(
        [signalr, "serve", "--port", "0", "--invocation-timeout", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        base = wait_until_ready(service)
        # With this placeholder, the fuzzer does not change the header.
        command = [schemathesis, "run", f"{base}/api/openapi.json", "--header", "Authorization: Bearer unsigned"]
        command += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-time", seconds]
        command += ["--seed", SEED, "--generation-database", "none", "--no-color", "--warnings", "off"]
        hooks = {"PYTHONPATH": str(Path(__file__).parent), "SCHEMATHESIS_HOOKS": "sign"}
        status = subprocess.run(command, env={**os.environ, **hooks}).returncode
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


main()
