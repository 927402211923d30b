// The chat page in a real browser.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launchChromium } from "./chromium.js";
import { broadcast } from "./client.js";
import { portOf, startDev, startServe } from "./system.js";

let system;
let browser;
let context;
let troubles;
before(async () => {
  system = await startDev({ args: ["--hub", "chat", "--hub", "news"] });
  browser = await launchChromium();
});
beforeEach(async () => {
  troubles = [];
  context = await browser.newContext();
  context.on("weberror", (error) => troubles.push(error.error().message));
});
afterEach(async () => {
  await context.close();
  assert.deepEqual(troubles, []);
});
after(async () => {
  await browser?.close();
  await system?.stop();
});

/** The text of the problem that the page shows in red. */
const RED = /^rgb\((179, 38, 30|255, 157, 148)\)$/;

async function enter(name, room, query = "", prepare = () => {}) {
  const tab = await context.newPage();
  await prepare(tab);
  await enterOn(tab, new URL(query, system.page).href, name, room);
  return tab;
}

async function enterOn(tab, url, name, room) {
  await tab.goto(url);
  await tab.getByLabel("Name").fill(name);
  await tab.getByLabel("Room").fill(room);
  await tab.getByRole("button", { name: "Join" }).click();
}

async function join(name, room, query, prepare) {
  const tab = await enter(name, room, query, prepare);
  await state(tab, "connected");
  return tab;
}

const state = (tab, word) => tab.locator(`[role=status]:text-is("${word}")`).waitFor();
const say = async (tab, text) => {
  await tab.getByLabel("Message", { exact: true }).fill(text);
  await tab.keyboard.press("Enter");
};
const shown = (tab, text) => tab.getByRole("log").getByText(text, { exact: true }).waitFor();
const texts = (tab) => tab.locator(".message .text").allTextContents();

test("who has not joined is told so, and hears what is sent to everybody", async () => {
  const tab = await context.newPage();
  const listens = tab.waitForEvent("websocket");
  await tab.goto(system.page);
  await state(tab, "not joined");
  const [word] = await tab.locator("[role=status]").all();
  assert.doesNotMatch(await word.evaluate((element) => getComputedStyle(element, "::before").backgroundColor), RED);
  const socket = await listens;
  await socket.waitForEvent("framereceived");
  const readme = { target: "newMessage", arguments: ["hello from a terminal"] };
  await broadcast(system, readme);
  await shown(tab, "hello from a terminal");
  await state(tab, "not joined");
  await enterOn(tab, tab.url(), "Ann", "lobby");
  await state(tab, "connected");
  await broadcast(system, { ...readme, arguments: ["once more"] });
  await shown(tab, "once more");
  assert.deepEqual(await texts(tab), ["once more"]);
});

test("two tabs in one room exchange messages", async () => {
  const [ann, bob] = [await join("Ann", "lobby"), await join("Bob", "lobby")];
  await say(ann, "hello, Bob");
  await shown(bob, "hello, Bob");
  await say(bob, "hello, Ann");
  await shown(ann, "hello, Ann");
  assert.deepEqual(await texts(ann), ["hello, Bob", "hello, Ann"]);
  assert.deepEqual(await bob.locator(".message .from").allTextContents(), ["Ann", "Bob"]);
});

test("a room keeps out what is said in another", async () => {
  const [red, blue] = [await join("Ann", "red"), await join("Bob", "blue/ü ?#")];
  await say(red, "for red");
  await shown(red, "for red");
  await say(blue, "for blue");
  await shown(blue, "for blue");
  assert.deepEqual(await texts(red), ["for red"]);
  assert.deepEqual(await texts(blue), ["for blue"]);
});

test("the page's query names the hub", async () => {
  const [chat, news] = [await join("Ann", "lobby"), await join("Bob", "lobby", "?hub=news")];
  await say(news, "for news");
  await shown(news, "for news");
  await say(chat, "for chat");
  await shown(chat, "for chat");
  assert.deepEqual(await texts(news), ["for news"]);
  assert.deepEqual(await texts(chat), ["for chat"]);
});

test("a hub that is not served: the page says so and keeps trying", async () => {
  const tab = await enter("Ann", "lobby", "?hub=sport");
  await tab.getByRole("alert").getByText("could not connect").waitFor();
  await state(tab, "reconnecting");
});

test("who changes the room leaves the old one", async () => {
  const [ann, bob] = [await join("Ann", "old"), await join("Bob", "old")];
  await bob.getByLabel("Room").fill("new");
  await bob.getByRole("button", { name: "Change" }).click();
  await bob.getByRole("log").getByText("room new").waitFor();
  await state(bob, "connected");
  await say(ann, "is anybody here?");
  await shown(ann, "is anybody here?");
  await say(bob, "hello, new room");
  await shown(bob, "hello, new room");
  assert.deepEqual(await texts(bob), ["hello, new room"]);
});

test("what is sent is shown as text, whatever it is", async () => {
  const ann = await join("Ann", "lobby");
  const html = "<img src=x onerror=\"document.title='broken in'\"><script>document.title='broken in'</script>";
  await say(ann, html);
  await shown(ann, html);
  const odd = [{ from: html, text: { a: 1 }, at: "no time" }, { from: null }, "only text", 7, null, [1]];
  for (const argument of [...odd, { from: "Bob", text: "the last" }]) {
    await broadcast(system, { target: "newMessage", arguments: [argument] });
  }
  await shown(ann, "the last");
  assert.equal((await texts(ann)).length, odd.length + 2);
  assert.equal(await ann.locator("img, .message script").count(), 0);
  assert.match(await ann.title(), /^lobby/);
});

test("a refusal is told, and the text is kept", async () => {
  const ann = await join("Ann", "lobby", "", async (tab) => {
    await tab.routeWebSocket(/\/client\//, (socket) => {
      const service = socket.connectToServer();
      socket.onMessage((text) => {
        const [, id] = /"invocationId":"(\d+)"/.exec(text) ?? [];
        if (id === undefined) {
          service.send(text);
        } else {
          socket.send(`{"type":3,"invocationId":"${id}","error":"not now"}\u001e`);
        }
      });
    });
  });
  await say(ann, "keep me");
  await ann.getByRole("alert").getByText("not now").waitFor();
  assert.equal(await ann.getByLabel("Message", { exact: true }).inputValue(), "keep me");
});

test("who speaks is the user that the service knows", async () => {
  const [ann, bob] = [await join("Ann", "lobby"), await join("Bob", "lobby")];
  await ann.evaluate(() => {
    const { prototype } = signalR.HubConnection;
    const { invoke } = prototype;
    prototype.invoke = function (method, _from, ...rest) {
      return invoke.call(this, method, "Mallory", ...rest);
    };
  });
  await say(ann, "it is me");
  await shown(bob, "it is me");
  assert.deepEqual(await bob.locator(".message .from").allTextContents(), ["Ann"]);
});

test("a service without upstream: the page sends through the broadcast function", async (t) => {
  const service = await startServe();
  t.after(() => service.stop());
  const listening = await startDev({ env: { AzureSignalRConnectionString: service.connectionString } });
  t.after(() => listening.stop());
  const ann = await context.newPage();
  await enterOn(ann, new URL(listening.page).href, "Ann", "lobby");
  await state(ann, "connected");
  const answered = ann.waitForResponse((response) => response.url().endsWith("/broadcast"));
  await say(ann, "hello");
  assert.equal((await answered).status(), 202);
  await shown(ann, "hello");
});

test("when everything restarts the page reconnects and is in its room again", async () => {
  const [ann, bob] = [await join("Ann", "lobby"), await join("Bob", "lobby")];
  const ports = { port: portOf(system.page), servicePort: portOf(system.service) };
  await system.stop();
  await Promise.all([state(ann, "reconnecting"), state(bob, "reconnecting")]);
  assert.ok(await ann.getByRole("button", { name: "Send" }).isDisabled());
  system = await startDev(ports);
  await Promise.all([state(ann, "connected"), state(bob, "connected")]);
  await say(ann, "we are back");
  await shown(bob, "we are back");
});
