// Default mode: stock clients whose hub runs in an app server. The app server is service/examples/app-server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { HubConnectionState, Subject } from "@microsoft/signalr";
import { connectDirectly, stopAll } from "./client.js";
import { LengthsProtocol, LinesProtocol } from "./own-protocols.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";
import { until } from "./until.js";
import { WAYS } from "./wire.js";

const APP = process.env.SIGNALR_APP_SERVER ?? fileURLToPath(new URL("../../target/debug/examples/app-server", import.meta.url));
const MANY = 1000;
/** How many clients connect at the same time. */
const BATCH = 50;

let service;
before(async () => {
  service = await startServe();
});
after(() => service.stop());

/** Starts an app server for a hub, and waits until its server connections are open. */
async function startApp(t, hub, server, connections = 5, at = service) {
  const key = /AccessKey=([^;]+);/.exec(at.connectionString)[1];
  const child = spawn(APP, [at.service, key, hub, server, String(connections)], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  t.after(async () => {
    kill();
    await ended;
    process.off("exit", kill);
  });
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended]);
  assert.equal(line, "ready");
  return { kill: () => (kill(), ended), stop: () => (child.stdin.write("stop\n"), ended) };
}

for (const way of WAYS) {
  test(`${way.protocol} over ${way.transport}: the methods of a hub in an app`, async (t) => {
    const hub = `${way.protocol}${way.transport}`.toLowerCase();
    await startApp(t, hub, "one");
    const [ann, bob] = await Promise.all(["ann", "bob"].map((user) => connectDirectly(service, { ...way, hub, user })));
    const call = (client, ...args) => client.connection.invoke(...args);
    for (const value of ["text ü", 1.5, null, [1, { a: [true] }]]) {
      assert.deepEqual(await call(ann, "Echo", value), value);
    }
    await assert.rejects(call(ann, "Nothing"), /there is no method Nothing/);
    await call(ann, "All", "all");
    await call(ann, "Others", "others");
    await call(ann, "Caller", "caller");
    await call(ann, "ToUser", "bob", "user");
    assert.equal(await call(ann, "Join", "g"), "Ok");
    await call(bob, "ToGroup", "g", "group");
    assert.equal(await call(ann, "Leave", "g"), "Ok");
    await call(bob, "ToGroup", "g", "left");
    assert.equal((await rest(service, "POST", `hubs/${hub}/:send`, { body: { target: "newMessage", arguments: ["rest"] } })).status, 202);
    assert.deepEqual((await ann.received(4)).flat(), ["all", "caller", "group", "rest"]);
    assert.deepEqual((await bob.received(4)).flat(), ["all", "others", "user", "rest"]);

    const items = [];
    await new Promise((complete, error) => ann.connection.stream("Count", 5).subscribe({ next: (item) => items.push(item), complete, error }));
    assert.deepEqual(items, [0, 1, 2, 3, 4]);
    const upload = new Subject();
    const sum = call(ann, "Sum", upload);
    [1, 2, 3].forEach((number) => upload.next(number));
    upload.complete();
    assert.equal(await sum, 6);

    bob.connection.on("question", (text) => `${text}, says Bob`);
    assert.equal(await call(ann, "Ask", await call(bob, "Id"), "hello"), "hello, says Bob");
    await assert.rejects(call(ann, "Ask", "nobody", "hello"), /Connection 'nobody' does not exist/);

    const closed = new Promise((resolve) => bob.connection.onclose(resolve));
    await bob.connection.send("Abort");
    assert.equal(await closed, undefined);
    await stopAll(ann);
  });
}

for (const [transport, Protocol] of [
  ["WebSockets", LinesProtocol],
  ["WebSockets", LengthsProtocol],
  ["ServerSentEvents", LinesProtocol],
  ["LongPolling", LinesProtocol],
  ["LongPolling", LengthsProtocol],
]) {
  test(`a protocol of the app's own, ${new Protocol().name} over ${transport}`, async (t) => {
    const hub = `own${transport}${new Protocol().name}`.toLowerCase();
    await startApp(t, hub, "one");
    const adapt = (builder) => builder.withHubProtocol(new Protocol());
    const [ann, bob] = await Promise.all(["ann", "bob"].map((user) => connectDirectly(service, { hub, user, transport, adapt })));
    const json = await connectDirectly(service, { hub });
    const call = (client, ...args) => client.connection.invoke(...args);
    const long = "a long one, ü ".repeat(5000);
    for (const value of ["text ü", 1.5, null, [1, { a: [true] }], long]) {
      assert.deepEqual(await call(ann, "Echo", value), value);
    }
    await assert.rejects(call(ann, "Nothing"), /there is no method Nothing/);
    await call(ann, "All", "all");
    await call(json, "Others", "others");
    await call(ann, "ToUser", "bob", "user");
    assert.equal(await call(ann, "Join", "g"), "Ok");
    await call(json, "ToGroup", "g", "group");
    // REST cannot write messages in these protocols, so these clients miss this message. They get all others.
    assert.equal((await rest(service, "POST", `hubs/${hub}/:send`, { body: { target: "newMessage", arguments: ["rest"] } })).status, 202);
    await call(ann, "All", "last");
    assert.deepEqual((await ann.received(4)).flat(), ["all", "others", "group", "last"]);
    assert.deepEqual((await bob.received(4)).flat(), ["all", "others", "user", "last"]);
    assert.deepEqual((await json.received(3)).flat(), ["all", "rest", "last"]);

    const items = [];
    await new Promise((complete, error) => ann.connection.stream("Count", 5).subscribe({ next: (item) => items.push(item), complete, error }));
    assert.deepEqual(items, [0, 1, 2, 3, 4]);
    bob.connection.on("question", (text) => `${text}, says Bob`);
    assert.equal(await call(ann, "Ask", await call(bob, "Id"), "hello"), "hello, says Bob");
    const closed = new Promise((resolve) => bob.connection.onclose(resolve));
    await bob.connection.send("Abort");
    assert.equal(await closed, undefined);
    await stopAll(ann, json);
  });
}

test("a hub that an app serves calls no upstream, and another does", async (t) => {
  const calls = [];
  const upstream = createServer((request, response) => {
    calls.push(request.url);
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const folder = mkdtempSync(join(tmpdir(), "signalr-"));
  const templates = [{ UrlTemplate: `http://127.0.0.1:${upstream.address().port}/{hub}/{event}` }];
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ UpstreamSettings: { Templates: templates } }));
  const own = await startServe({ args: ["--config", folder] });
  t.after(async () => {
    await own.stop();
    upstream.close();
    rmSync(folder, { recursive: true });
  });
  await startApp(t, "served", "one", 1, own);
  const served = await connectDirectly(own, { hub: "served" });
  assert.equal(await served.connection.invoke("Echo", 1), 1);
  await served.stop();
  const other = await connectDirectly(own, { hub: "other" });
  await other.stop();
  await until(() => calls.length >= 2);
  assert.deepEqual(calls, ["/other/connected", "/other/disconnected"]);
});

test("two apps share a hub; one is killed, its clients reconnect to the other, whose clients see nothing", async (t) => {
  const hub = "shared";
  const apps = { one: await startApp(t, hub, "one"), two: await startApp(t, hub, "two") };
  const adapt = (builder) => builder.withAutomaticReconnect([0, 50, 100, 200, 400, 800]);
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectDirectly(service, { hub, adapt })));
  const serverOf = (client) => client.connection.invoke("Server");
  const servers = await Promise.all(clients.map(serverOf));
  assert.deepEqual(new Set(servers), new Set(["one", "two"]));
  await clients[0].connection.invoke("All", "to both apps' clients");
  await Promise.all(clients.map((client) => client.received(1)));
  // A client of one app asks a client of the other.
  const [asking, asked] = ["one", "two"].map((server) => clients[servers.indexOf(server)]);
  asked.connection.on("question", (text) => `${text} and back`);
  assert.equal(await asking.connection.invoke("Ask", await asked.connection.invoke("Id"), "there"), "there and back");

  let troubled = 0;
  clients.forEach((client, index) => {
    if (servers[index] === "two") {
      client.connection.onreconnecting(() => (troubled += 1));
    }
  });
  const back = clients.filter((_, index) => servers[index] === "one").map((client) => new Promise((resolve) => client.connection.onreconnected(resolve)));
  await apps.one.kill();
  await Promise.all(back);
  assert.deepEqual(new Set(await Promise.all(clients.map(serverOf))), new Set(["two"]));
  assert.equal(troubled, 0);

  // The other app server stops in the normal way and a new one starts: a restart.
  const again = clients.map((client) => new Promise((resolve) => client.connection.onreconnected(resolve)));
  await startApp(t, hub, "three");
  await apps.two.stop();
  await Promise.all(again);
  assert.deepEqual(new Set(await Promise.all(clients.map(serverOf))), new Set(["three"]));
  await stopAll(...clients);
});

test(`${MANY} clients of all transports and protocols have one app`, async (t) => {
  const hub = "many";
  await startApp(t, hub, "one");
  const clients = [];
  while (clients.length < MANY) {
    const batch = Array.from({ length: BATCH }, (_, index) => connectDirectly(service, { ...WAYS[index % WAYS.length], hub, user: `user${clients.length + index}` }));
    clients.push(...(await Promise.all(batch)));
  }
  const joined = await Promise.all(clients.map((client, index) => client.connection.invoke("Join", `g${index % 10}`)));
  assert.deepEqual(new Set(joined), new Set(["Ok"]));
  await clients[0].connection.invoke("All", "all");
  await clients[0].connection.invoke("ToUser", "user999", "last");
  await clients[1].connection.invoke("ToGroup", "g3", "third");
  const expected = (index) => ["all", ...(index === 999 ? ["last"] : []), ...(index % 10 === 3 ? ["third"] : [])];
  await Promise.all(
    clients.map(async (client, index) => assert.deepEqual((await client.received(expected(index).length)).flat().sort(), expected(index).sort())),
  );
  assert.ok(clients.every(({ connection }) => connection.state === HubConnectionState.Connected));
  await stopAll(...clients);
  // The service and the app's hub keep nothing of these clients.
  await until(async () => (await rest(service, "HEAD", `hubs/${hub}/groups/g3`)).status === 404);
});

test("the dashboard shows how many server connections a hub has", async (t) => {
  const watched = await startServe({ args: ["--admin-port", 0, "--dashboard"] });
  t.after(() => watched.stop());
  await startApp(t, "watched", "one", 3, watched);
  const client = await connectDirectly(watched, { hub: "watched" });
  const login = await fetch(new URL("api/login", watched.dashboard), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key: watched.connectionString }),
  });
  assert.equal(login.status, 200);
  const cookie = login.headers.getSetCookie()[0].split(";")[0];
  await until(async () => {
    const answer = await fetch(new URL("api/hubs", watched.dashboard), { headers: { cookie } });
    const { items } = await answer.json();
    return items.some(({ name, serverConnections }) => name === "watched" && serverConnections === 3);
  });
  await stopAll(client);
});
