"""Sends the same body many times with a Python HTTP client. Prints a JSON list with the status or the error of each
try.

upload.py CLIENT URL TOKEN BYTES TRIES: CLIENT is urllib, http.client, requests or aiohttp, or one of the last two with
`-chunked`. Every try has its own connection, except for aiohttp and requests, which keep their connection.
"""

import asyncio
import http.client
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

PART = 64 * 1024


def send_with_urllib(url, headers, body):
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as refused:
        return refused.code


def send_with_http_client(url, headers, body):
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc)
    try:
        connection.request("POST", f"{place.path}?{place.query}", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def parts(body):
    for start in range(0, len(body), PART):
        yield body[start : start + PART]


async def parts_later(body):
    for part in parts(body):
        yield part


def requests_sender(is_chunked):
    import requests

    session = requests.Session()
    # The test uses no proxy and no password file of this machine.
    session.trust_env = False

    def send(url, headers, body):
        return session.post(url, data=parts(body) if is_chunked else body, headers=headers).status_code

    return send


def attempt(send, *what):
    try:
        return send(*what)
    except Exception as failure:
        return repr(failure)


async def send_with_aiohttp(is_chunked, url, headers, body, tries):
    import aiohttp

    came = []
    async with aiohttp.ClientSession() as session:
        for _ in range(tries):
            data = parts_later(body) if is_chunked else body
            try:
                async with session.post(url, data=data, headers=headers) as answer:
                    came.append(answer.status)
            except Exception as failure:
                came.append(repr(failure))
    return came


client, url, token, size, tries = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
body, tries = b"a" * int(size), int(tries)
library, _, is_chunked = client.partition("-")
if library == "aiohttp":
    statuses = asyncio.run(send_with_aiohttp(bool(is_chunked), url, headers, body, tries))
else:
    send = {
        "urllib": lambda: send_with_urllib,
        "http.client": lambda: send_with_http_client,
        "requests": lambda: requests_sender(bool(is_chunked)),
    }[library]()
    statuses = [attempt(send, url, headers, body) for _ in range(tries)]
print(json.dumps(statuses))
