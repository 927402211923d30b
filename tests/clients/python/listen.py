"""Connects a stock Python client and prints each message as a line of JSON.

listen.py LIBRARY PROTOCOL URL [TOKEN]: LIBRARY is pysignalr or signalrcore, PROTOCOL json or messagepack.
Without a token, the URL is a function's. With a token, it is the service's. The program ends at the target `end`.
"""

import asyncio
import json
import os
import sys
import threading

TARGET = "newMessage"


def say(*what):
    print(json.dumps(what), flush=True)


async def listen_with_pysignalr(protocol, url, token):
    from pysignalr.client import SignalRClient
    from pysignalr.protocol.json import JSONProtocol
    from pysignalr.protocol.messagepack import MessagepackProtocol

    client = SignalRClient(
        url,
        protocol=JSONProtocol() if protocol == "json" else MessagepackProtocol(),
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )
    ended = asyncio.Event()

    async def on_open():
        say("open")

    async def on_message(arguments):
        say("message", arguments)

    async def on_end(_):
        ended.set()

    client.on_open(on_open)
    client.on(TARGET, on_message)
    client.on("end", on_end)
    running = asyncio.create_task(client.run())
    await asyncio.wait([running, asyncio.create_task(ended.wait())], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    running.cancel()


def listen_with_signalrcore(protocol, url, token):
    from signalrcore.hub_connection_builder import HubConnectionBuilder
    from signalrcore.protocol.messagepack_protocol import MessagePackHubProtocol

    builder = HubConnectionBuilder().with_url(
        url, options={"access_token_factory": lambda: token} if token else {}
    )
    if protocol == "messagepack":
        builder = builder.with_hub_protocol(MessagePackHubProtocol())
    connection = builder.build()
    ended = threading.Event()
    connection.on_open(lambda: say("open"))
    connection.on_error(lambda error: say("error", str(error)))
    connection.on(TARGET, lambda arguments: say("message", arguments))
    connection.on("end", lambda _: ended.set())
    connection.start()
    ended.wait()
    # A thread of the client sleeps for another 15 seconds.
    os._exit(0)


library, protocol, url, *rest = sys.argv[1:]
token = rest[0] if rest else None
if library == "pysignalr":
    asyncio.run(listen_with_pysignalr(protocol, url, token))
else:
    listen_with_signalrcore(protocol, url, token)
