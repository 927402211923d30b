"""Types commands into `signalr server` and `signalr client` in a terminal, and checks their output."""

import os
import sys

import pexpect

BINARY, CONNECTION_STRING = sys.argv[1:3]
TAB, UP, CTRL_D, ENTER = "\t", "\x1b[A", "\x04", "\r"


def start(*arguments):
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "AzureSignalRConnectionString": CONNECTION_STRING}
    return pexpect.spawn(BINARY, list(arguments), env=environment, encoding="utf-8", timeout=20, dimensions=(40, 200))


def end(program):
    program.expect(pexpect.EOF)
    program.close()
    assert program.exitstatus == 0, (program.exitstatus, program.signalstatus, program.before)


def main():
    client = start("client", "ann", "-h", "chat")
    client.expect("connected as")
    server = start("server", "-h", "chat")
    server.expect("signalr> ")

    server.send("send user ann hello 1 '\"two\"'" + ENTER)
    server.expect("sent hello to user ann")
    client.expect_exact('hello [1,"two"]')

    # History: the line above again.
    server.expect("signalr> ")
    server.send(UP + ENTER)
    server.expect("sent hello to user ann")
    client.expect_exact('hello [1,"two"]')

    # Completion of two words. The hint shows the rest.
    server.expect("signalr> ")
    server.send("br" + TAB)
    server.expect_exact("broadcast ")
    server.send("all" + ENTER)
    server.expect("sent all to everybody")
    client.expect_exact("all []")
    server.send("group ad" + TAB + "us" + TAB + "ann readers" + ENTER)
    server.expect("user ann is now in readers")
    server.send("group remove")
    server.expect("USER GROUP")
    server.send(" user ann readers" + ENTER)
    server.expect("user ann is no longer in readers")

    # After a mistake the program shows how to write the command, and continues.
    server.send("send pigeon ann" + ENTER)
    server.expect("neither user, group nor connection")
    server.send("help" + ENTER)
    server.expect("call a client's method")
    server.send("exists user ann" + ENTER)
    server.expect("user ann is there")

    # A call without an upstream: the client reports it, and that its connection is closed.
    client.send("unknown" + ENTER)
    client.expect("is not a command")
    client.send("he" + TAB + ENTER)
    client.expect("call a method, and show its result")
    client.send("quit" + ENTER)
    end(client)
    server.send(CTRL_D)
    end(server)

    # A terminal that closes in the middle of a line.
    server = start("server", "-h", "chat")
    server.expect("signalr> ")
    server.send("broadc")
    server.close()
    assert not server.isalive()
    print("done")


main()
