// The page: who looks at it, where, and what comes in.

import { byId, h } from "./dom.js";
import { repaintComposer, resetComposer, setUpComposer } from "./composer.js";
import { connect } from "./live.js";
import { avatar, drop, empty, fill, setUpMessages, showEarlier, upsert, withOwnReactions } from "./messages.js";
import { act, channelName, get, interactionEvent, isBot, nameOf, roleOf, inLanguage, store, userOf } from "./store.js";

const TEXT = 0, DM = 1;
const PREFERRED = ["alice", "bob", "mika", "olga"];
let drawn = { channels: "", users: "" };
let online = "";

// -- where we are, kept in the address so that a tab can be reloaded and two tabs can differ

function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  return { me: given.get("as"), channel: given.get("in") };
}

function toAddress() {
  history.replaceState(null, "", `#${new URLSearchParams({ as: store.me, in: store.channel })}`);
}

async function begin() {
  setUpComposer();
  setUpMessages();
  byId("earlier").addEventListener("click", showEarlier);
  byId("locale").addEventListener("change", () => speak(byId("locale").value));
  byId("menu").addEventListener("click", () => sidebar(!document.body.classList.contains("sidebar-open")));
  addEventListener("pointerdown", (event) => { if (!event.target.closest("#sidebar, #menu")) sidebar(false); });
  byId("gallery").addEventListener("click", () => sidebar(false));
  addEventListener("keydown", (event) => { if (event.key === "Escape") sidebar(false); });
  addEventListener("hashchange", () => { const { me, channel } = fromAddress(); if (me && (me !== store.me || channel !== store.channel)) go(me, channel); });
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); byId("say").focus(); });
  const { me, channel } = fromAddress();
  for (;;) {
    try {
      // Anybody sees who is there; the first look is as nobody in particular.
      store.state = inLanguage(await get("/loopback/state", { as: me || "0" }));
      break;
    } catch {
      byId("status").textContent = "Waiting for the playground…";
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  }
  go(me, channel);
  setInterval(refresh, 1000);
}

function people() {
  const rank = (user) => (PREFERRED.indexOf(user.username) + 100) % 100;
  return store.state.users.filter((user) => !user.bot).sort((a, b) => rank(a) - rank(b));
}

function go(me, channel) {
  store.me = people().some((user) => user.id === me) ? me : people()[0].id;
  store.channel = channel;
  store.place = null;
  store.unread.clear();
  fill([]);
  connect({ viewer: store.me, load, handle, status: (text) => { online = text; paintStatus(); } });
}

async function load() {
  store.state = inLanguage(await get("/loopback/state", { as: store.me }));
  const known = store.state.channels.some((channel) => channel.id === store.channel);
  if (!known) store.channel = (store.state.channels.find((channel) => channel.type === TEXT) || store.state.channels[0]).id;
  await enter();
}

function enter() {
  const list = byId("messages");
  list.setAttribute("aria-busy", "true");
  const done = arrive();
  const settled = done.catch(() => {}).then(() => { if (store.entering === settled) list.removeAttribute("aria-busy"); });
  store.entering = settled;
  return done;
}

async function arrive() {
  const [me, channel] = [store.me, store.channel];
  const [place, messages] = await Promise.all([
    get("/playground/place", { as: me, channel }), get("/loopback/messages", { as: me, channel })]);
  if (me !== store.me || channel !== store.channel) return;
  store.place = place;
  store.unread.delete(channel);
  toAddress();
  paint();
  fill(messages);
}

async function openChannel(id) {
  if (id === store.channel) { sidebar(false); return; }
  store.channel = id;
  store.place = { ...store.place, commands: [] };
  resetComposer();
  sidebar(false);
  empty();
  paint();
  await enter().catch(() => { online = "Could not load this channel."; paintStatus(); });
}

async function handle({ kind, channel_id: channel, data }) {
  if (kind.startsWith("interaction_") || kind === "modal" || kind === "choices") { interactionEvent(kind, data); return; }
  if (channel !== store.channel) {
    if (kind === "message_create" && data.author.id !== store.me) { store.unread.add(channel); paintChannels(); }
    return;
  }
  // Otherwise the messages that are being loaded, which may be older, would replace it.
  await store.entering;
  if (channel !== store.channel) return;
  if (kind === "message_create") upsert(data);
  if (kind === "message_update") upsert(data.reactions?.length ? await withOwnReactions(data).catch(() => data) : data);
  if (kind === "message_delete") drop(data.id);
}

let beats = 0;
async function refresh() {
  // Commands and the bot's connection come without an event: look often until both are there.
  beats += 1;
  const ready = store.state.connected && store.state.commands.length;
  if (document.hidden || (ready && beats % 10)) return;
  const [me, channel] = [store.me, store.channel];
  try {
    const state = await get("/loopback/state", { as: me });
    const place = await get("/playground/place", { as: me, channel });
    if (me !== store.me || channel !== store.channel) return;
    Object.assign(store, { state: inLanguage(state), place });
    paintStatus();
    paintChannels();
    paintUsers();
    repaintComposer();
  } catch { /* the live connection tells that nobody answers */ }
}

// -- painting

function paint() {
  paintChannels();
  paintUsers();
  paintStatus();
  const channel = store.state.channels.find((each) => each.id === store.channel);
  byId("guild").textContent = store.state.guilds[0]?.name || "";
  byId("place").textContent = `${sign(channel)} ${channelName(channel)}`;
  byId("topic").textContent = channel.type === DM ? "Direct message" : channel.nsfw ? "Age-restricted" : channel.topic || "";
  document.title = `${channelName(channel)} · ${nameOf(store.state.users.find((user) => user.id === store.me))} · Ekaki playground`;
  repaintComposer();
}

const sign = (channel) => (channel.type === DM ? "@" : channel.parent_id ? "↳" : channel.nsfw ? "⚠" : "#");

function paintStatus() {
  const text = online || (!store.state?.connected ? "Ekaki is starting…" : "");
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

function paintChannels() {
  const { channels } = store.state;
  const key = JSON.stringify([channels.map((each) => [each.id, each.name]), store.channel, [...store.unread], store.me]);
  if (key === drawn.channels) return;
  drawn.channels = key;
  const focused = document.activeElement?.dataset.channel;
  const entry = (channel) => h("button", {
    type: "button", class: `channel${channel.parent_id ? " thread" : ""}${store.unread.has(channel.id) ? " unread" : ""}`,
    data: { channel: channel.id }, "aria-current": channel.id === store.channel ? "page" : undefined, onclick: () => openChannel(channel.id),
  }, h("span", { class: "sign", "aria-hidden": "true" }, sign(channel)), h("span", { class: "channel-name" }, channelName(channel)),
  channel.nsfw && !channel.parent_id && h("span", { class: "tag quiet" }, "18+"), store.unread.has(channel.id) && h("span", { class: "hidden" }, " (new messages)"));
  const texts = channels.filter((channel) => channel.type === TEXT).sort((a, b) => a.position - b.position);
  const ordered = texts.flatMap((channel) => [channel, ...channels.filter((each) => each.parent_id === channel.id)]);
  byId("channels").replaceChildren(
    h("h2", {}, "Text channels"), ...ordered.map(entry),
    h("h2", {}, "Direct messages"), ...channels.filter((channel) => channel.type === DM).map(entry));
  if (focused) byId("channels").querySelector(`[data-channel="${focused}"]`)?.focus();
}

function paintUsers() {
  const key = JSON.stringify([store.me, store.place?.roles, people().map((user) => [user.id, user.locale])]);
  if (key === drawn.users) return;
  drawn.users = key;
  const had = byId("users").contains(document.activeElement);
  byId("users").replaceChildren(...people().map((user) => h("button", {
    type: "button", class: "user", role: "radio", "aria-checked": String(user.id === store.me), tabIndex: user.id === store.me ? 0 : -1, data: { user: user.id },
    onclick: () => { become(user.id); sidebar(false); }, onkeydown: (event) => userKey(event, user.id),
  }, avatar(user), h("span", {}, h("span", { class: "user-name" }, nameOf(user)), h("small", {}, roleOf(user.id) || "")))));
  byId("locale").value = userOf(store.me)?.locale || "en-US";
  if (had) byId("users").querySelector("[aria-checked=true]")?.focus();
}

function userKey(event, id) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = people();
  become(all[(all.findIndex((user) => user.id === id) + step + all.length) % all.length].id);
}

// What this person's Discord is set to: the bot answers them in it.
async function speak(locale) {
  sidebar(false);
  byId("locale").disabled = true;
  try {
    await act("speak", { locale });
    store.state = inLanguage(await get("/loopback/state", { as: store.me }));
  } catch { online = "Could not change the language."; }
  byId("locale").disabled = false;
  paint();
}

function become(id) {
  if (id === store.me || isBot(id)) return;
  const roles = store.place?.roles;
  resetComposer();
  go(id, store.channel);
  store.place = { commands: [], may_send: false, may_manage: false, roles };
  paintUsers();
}

function sidebar(open) {
  document.body.classList.toggle("sidebar-open", open);
  byId("menu").setAttribute("aria-expanded", String(open));
}

begin();
