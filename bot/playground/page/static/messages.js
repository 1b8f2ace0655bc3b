// The list of messages: made once each, and changed in place, so that a press or a selection
// under way survives the edits of a drawing that goes on.

import { announce, byId, fileAddress, h, safeLink, sizeText } from "./dom.js";
import { colour, componentNodes, use } from "./components.js";
import { markdown, timestamp } from "./markdown.js";
import { openLightbox } from "./lightbox.js";
import { openMenu } from "./menu.js";
import { act, get, isBot, nameOf, roleOf, store } from "./store.js";

const EPHEMERAL = 64, LOADING = 128;
const SHOWN_AT_FIRST = 60;
const REACTIONS = ["⭐", "👍", "❤️"];   // a star is a vote for the gallery
const shown = new Map();   // id -> {element, parts, message}
let earlier = [];          // messages above the first one shown
let failed = 0;
let pressed = null;        // what the pointer holds down
const afterPress = [];     // what waits until it is released

const list = () => byId("messages");
const scroller = () => byId("scroll");
const atBottom = () => scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < 120;
let pinned = true;   // whether the newest message is to stay in sight
export const toBottom = () => { pinned = true; scroller().scrollTop = scroller().scrollHeight; };

export function setUpMessages() {
  addEventListener("pointerdown", (event) => { pressed = event.target; }, true);
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, () => {
      pressed = null;
      setTimeout(() => afterPress.splice(0).forEach((run) => run()));   // after the click
    }, true);
  }
  // Only who scrolls up leaves the newest message: pictures that grow below move nobody away from it.
  let top = 0;
  scroller().addEventListener("scroll", () => {
    pinned = atBottom() || (pinned && scroller().scrollTop >= top);
    top = scroller().scrollTop;
  }, { passive: true });
  // Pictures and fonts that arrive later, and a keyboard that opens, push nothing out of sight.
  list().addEventListener("keydown", fromMessageToMessage);
  const watch = new ResizeObserver(() => { if (pinned) toBottom(); });
  watch.observe(list());
  watch.observe(scroller());
}

// Arrows go up and down the list, as in Discord; below the newest message is the message box.
function fromMessageToMessage(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const here = event.target.closest(".message");
  if (!step || !here || event.defaultPrevented) return;
  event.preventDefault();
  const all = [...list().querySelectorAll(".message")];
  const next = all[all.indexOf(here) + step];
  if (next) next.focus();
  else if (step > 0) byId("say").focus();
}

// Nothing of another channel stays under the name of the one that is being loaded.
export function empty() {
  shown.clear();
  list().replaceChildren();
  earlier = [];
  byId("earlier").hidden = true;
}

export function fill(messages) {
  empty();
  earlier = messages.slice(0, -SHOWN_AT_FIRST);
  byId("earlier").hidden = !earlier.length;
  for (const message of messages.slice(-SHOWN_AT_FIRST)) put(message);
  if (!messages.length) list().append(h("li", { class: "empty-place" }, h("strong", {}, "It is quiet here."), h("span", {}, " Type / to see what the bot can do.")));
  regroup();
  toBottom();
}

export function showEarlier() {
  const height = scroller().scrollHeight;
  for (const message of earlier.splice(-SHOWN_AT_FIRST)) put(message);
  byId("earlier").hidden = !earlier.length;
  regroup();
  scroller().scrollTop += scroller().scrollHeight - height;
}

export function upsert(message) {
  const known = shown.get(message.id);
  // Of a command as well as of a button, a menu or a form.
  const answersMe = !known && message.interaction_metadata?.user.id === store.me;
  const follow = pinned || answersMe;
  list().querySelector(".empty-place")?.remove();
  if (known) update(known, message);
  else if (earlier.some((each) => each.id === message.id)) {
    earlier = earlier.map((each) => (each.id === message.id ? message : each));
  } else put(message);
  regroup();
  if (follow) toBottom();
  if (message.author.id !== store.me) announce(spoken(message));
}

export function drop(id) {
  const known = shown.get(id);
  const focused = known?.element.contains(document.activeElement);
  known?.element.remove();
  if (focused) byId("say").focus();
  shown.delete(id);
  earlier = earlier.filter((message) => message.id !== id);
  regroup();
}

// Something that only this page knows: a command that got no answer.
export function note(title, text) {
  const id = `note-${failed += 1}`;
  const element = h("li", { id, class: "message note" }, h("div", { class: "body" },
    h("div", { class: "reference" }, title), h("div", { class: "fault" }, text),
    h("div", { class: "private" }, "Only you can see this · ",
      h("button", { type: "button", class: "as-link", onclick: () => element.remove() }, "Dismiss message"))));
  list().append(element);
  toBottom();
  announce(text);
}

function put(message) {
  const element = h("li", { class: "message", tabIndex: -1, data: { id: message.id } });
  const entry = { element, parts: new Map(), message: null };
  const parts = h("div", { class: "body" });
  const more = h("button", { type: "button", class: "more", "aria-label": "More about this message", "aria-haspopup": "menu",
    onclick: (event) => { const box = event.currentTarget.getBoundingClientRect(); menu(entry, box.right - 200, box.bottom + 4, more); } }, "⋯");
  element.append(h("div", { class: "side" }), parts, more);
  element.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a, textarea, input") || String(getSelection())) return;
    event.preventDefault();
    menu(entry, event.clientX, event.clientY, more);
  });
  entry.body = parts;
  const next = [...list().children].find((each) => each.dataset.id && BigInt(each.dataset.id) > BigInt(message.id));
  list().insertBefore(element, next || null);
  shown.set(message.id, entry);
  update(entry, message);
}

// Links carry the time they were made at: it says nothing about the message.
const keyOf = (value) => JSON.stringify(value).replace(/\?ex=[^"]*/g, "");

function update(entry, message) {
  entry.message = message;
  entry.element.classList.toggle("ephemeral", Boolean(message.flags & EPHEMERAL));
  const context = {
    id: message.id,
    fail: (text) => { const line = entry.parts.get("fault").element; line.textContent = text; line.hidden = !text; },
  };
  const part = (name, key, make) => {
    const known = entry.parts.get(name);
    const now = keyOf(key);
    if (known?.key === now) return;
    swap(entry, name, now, make());
  };
  const user = message.interaction_metadata?.user;
  part("reference", [user, message.interaction, message.message_reference], () => reference(message));
  part("head", [message.author, message.timestamp], () => head(message));
  part("content", [message.content, message.flags, message.edited_timestamp !== null], () => content(message));
  part("files", [message.attachments, message.embeds.map((e) => [e.image, e.thumbnail])], () => files(message));
  part("embeds", message.embeds, () => h("div", { class: "embeds" }, message.embeds.map((embed) => embedNode(embed, message.attachments))));
  part("components", message.components, () => h("div", { class: "components" }, componentNodes(message.components, context)));
  part("fault", 0, () => h("p", { class: "fault", role: "alert", hidden: true }));
  part("reactions", message.reactions || [], () => reactions(message));
  part("private", message.flags & EPHEMERAL, () => privacy(message));
  const side = entry.element.firstChild;
  if (!side.firstChild) side.append(avatar(message.author));
}

// `element` of a part is what stands there, `wanted` the newest, which may still be loading.
function swap(entry, name, key, element) {
  const part = entry.parts.get(name);
  if (!part) {
    entry.parts.set(name, { key, element, wanted: element });
    entry.body.append(element);
    return;
  }
  part.key = key;
  part.wanted = element;
  const replace = () => {
    if (part.wanted !== element) return;
    if (part.element.querySelector(".select-list:not([hidden])")) {   // somebody is choosing
      part.element.addEventListener("closed", replace, { once: true });
      return;
    }
    if (part.element.contains(pressed)) {   // a press under way: its click would be lost
      afterPress.push(replace);
      return;
    }
    const focused = part.element.contains(document.activeElement) ? document.activeElement : null;
    const follow = atBottom();
    part.element.replaceWith(element);
    part.element = element;
    if (focused) {
      const same = focused.dataset.key && element.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]:not(:disabled)`);
      (same || entry.element).focus({ preventScroll: true });
    }
    if (follow) toBottom();
  };
  // A preview takes the place of the one before when it can be drawn: nothing flickers.
  const pictures = [...element.querySelectorAll("img")];
  if (!pictures.length) { replace(); return; }
  const loaded = Promise.allSettled(pictures.map((picture) => picture.decode()));
  Promise.race([loaded, new Promise((resolve) => { setTimeout(resolve, 800); })]).then(replace);
}

function regroup() {
  let before = null;
  for (const element of list().children) {
    const message = shown.get(element.dataset.id)?.message;
    const close = before && message && before.author.id === message.author.id
      && Date.parse(message.timestamp) - Date.parse(before.timestamp) < 7 * 60_000
      && !message.interaction_metadata && !message.message_reference && before.flags === message.flags;
    element.classList.toggle("compact", Boolean(close));
    before = message;
  }
}

export function avatar(user) {
  const name = nameOf(user);
  return h("span", { class: `avatar a${Number(BigInt(user.id) % 6n)}`, "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
}

// A command of a message's or person's menu has no slash before its name.
function usedName(message) {
  const { name } = message.interaction;
  return message.interaction_metadata?.target_message_id || message.interaction_metadata?.target_user ? name : `/${name}`;
}

function reference(message) {
  const user = message.interaction_metadata?.user;
  if (message.interaction) {
    return h("div", { class: "reference" }, h("strong", {}, nameOf(user)), " used ", h("span", { class: "mention" }, usedName(message)));
  }
  const form = message.interaction_metadata?.type === 5;
  if (user) return h("div", { class: "reference" }, h("strong", {}, nameOf(user)), form ? " sent a form" : message.type === 19 ? " pressed a button" : "");
  const replied = shown.get(message.message_reference?.message_id)?.message;
  if (message.message_reference) {
    return h("div", { class: "reference" }, "↪ ", replied ? [h("strong", {}, nameOf(replied.author)), ` ${wordsOf(replied).split("\n")[0].slice(0, 80)}`] : "a message that is not shown");
  }
  return h("span", { hidden: true });
}

function head(message) {
  const date = Math.floor(Date.parse(message.timestamp) / 1000);
  const today = new Date(date * 1000).toDateString() === new Date().toDateString();
  const role = roleOf(message.author.id);
  return h("div", { class: "head" },
    h("strong", { class: "author" }, nameOf(message.author)),
    isBot(message.author.id) && h("span", { class: "tag" }, "APP"),
    !isBot(message.author.id) && role && role !== "member" && h("span", { class: "tag quiet" }, role),
    timestamp(date, today ? "t" : "f"));
}

function content(message) {
  if (message.flags & LOADING) {
    return h("div", { class: "content thinking" }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${nameOf(message.author)} is thinking…`);
  }
  if (!message.content) return h("div", { class: "content", hidden: true });
  return h("div", { class: "content" }, markdown(message.content));
}

function privacy(message) {
  if (!(message.flags & EPHEMERAL)) return h("span", { hidden: true });
  return h("div", { class: "private" }, h("span", { "aria-hidden": "true" }, "👁 "), "Only you can see this · ",
    h("button", { type: "button", class: "as-link", onclick: () => act("delete", { message: message.id }).catch(() => {}) }, "Dismiss message"));
}

// -- files

function files(message) {
  const inEmbeds = new Set(message.embeds.flatMap((embed) => [embed.image?.url, embed.thumbnail?.url]));
  const rest = message.attachments.filter((file) => !inEmbeds.has(file.url));
  const pictures = rest.filter((file) => /^image\/(png|jpe?g|webp|gif)/.test(file.content_type) && fileAddress(file.url));
  const box = h("div", { class: "files", hidden: !rest.length });
  if (pictures.length) {
    const large = pictures.map((file) => ({ src: fileAddress(file.url), name: file.filename, alt: file.description, width: file.width, height: file.height }));
    const isSheet = showsOthers(pictures);
    const grid = h("div", { class: `pictures n${Math.min(pictures.length, 4)}${isSheet ? ` sheet${pictures.length - 1}` : ""}` });
    pictures.forEach((file, index) => {
      const isFirst = isSheet && index === 0;
      grid.append(pictureNode(file, () => openLightbox(large, index), pictures.length > 1 ? 300 : 350, isFirst ? 560 : 420));
    });
    box.append(grid);
  }
  box.append(...rest.filter((file) => !pictures.includes(file)).map(fileNode));
  return box;
}

/** Whether the first shows the others side by side, and so needs a row of its own to be seen. */
function showsOthers(pictures) {
  const [first, second] = pictures.map((file) => file.width / file.height);
  return pictures.length > 2 && first > 1.5 * second;
}

/** `highest` and `widest`: CSS pixels, as the style sheet's `max-height` and `max-width`. */
function pictureNode(file, open, highest = 350, widest = 420) {
  const image = h("img", { src: fileAddress(file.url), alt: file.description || file.filename, width: file.width, height: file.height, decoding: "async" });
  if (file.width && file.height) {   // its size before it is loaded, so that nothing below moves
    image.style.aspectRatio = `${file.width} / ${file.height}`;
    image.style.width = `${Math.min(file.width, (highest * file.width) / file.height, widest)}px`;
    image.addEventListener("load", () => { image.style.width = image.style.aspectRatio = ""; });
  }
  const hidden = file.filename.startsWith("SPOILER_");
  const frame = h("button", { type: "button", class: `picture${hidden ? " spoilered" : ""}`,
    "aria-label": hidden ? "Spoiler. Press to show the picture" : `Open ${file.description || file.filename}`,
    onclick: () => {
      if (!frame.classList.contains("spoilered")) { open(); return; }
      frame.classList.remove("spoilered");
      frame.setAttribute("aria-label", `Open ${file.description || file.filename}`);
    } }, image, hidden && h("span", { class: "spoiler-label", "aria-hidden": "true" }, "SPOILER"));
  // By its name a picture, by its content not: shown as the file that it is.
  image.addEventListener("error", () => { frame.replaceWith(fileNode(file)); });
  return frame;
}

function fileNode(file) {
  return h("a", { class: "file", href: fileAddress(file.url) || undefined, download: file.filename },
    h("span", { class: "file-icon", "aria-hidden": "true" }, "🗎"), h("span", {}, h("span", { class: "file-name" }, file.filename), h("small", {}, sizeText(file.size))));
}

// -- embeds

function embedNode(embed, attachments) {
  const href = safeLink(embed.url);
  const image = embed.image && fileAddress(embed.image.url);
  const thumbnail = embed.thumbnail && fileAddress(embed.thumbnail.url);
  const element = h("article", { class: "embed" },
    thumbnail && pictureNode({ ...sizeOf(embed.thumbnail, attachments), url: embed.thumbnail.url, filename: "thumbnail", size: 0 }, () => openLightbox([{ src: thumbnail, name: "thumbnail" }], 0)),
    embed.author && h("div", { class: "embed-author" }, embed.author.name),
    embed.title && h("div", { class: "embed-title" }, href ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, embed.title) : markdown(embed.title)),
    embed.description && h("div", { class: "embed-text" }, markdown(embed.description)),
    embed.fields?.length && h("div", { class: "fields" }, embed.fields.map((field) =>
      h("div", { class: field.inline ? "inline" : "" }, h("div", { class: "field-name" }, markdown(field.name)), h("div", {}, markdown(field.value))))),
    image && pictureNode({ ...sizeOf(embed.image, attachments), url: embed.image.url, filename: nameIn(image), size: 0 }, () => openLightbox([{ src: image, name: nameIn(image) }], 0)),
    (embed.footer || embed.timestamp) && h("div", { class: "embed-footer" }, embed.footer?.text, embed.footer && embed.timestamp && " · ",
      embed.timestamp && timestamp(Math.floor(Date.parse(embed.timestamp) / 1000), "f")));
  if (embed.color) element.style.borderLeftColor = colour(embed.color);
  return element;
}

/** Of a picture of an embed: what Discord says, or what is known of the attachment that it shows. */
function sizeOf(shown, attachments) {
  const { width, height } = shown.width ? shown : attachments.find((file) => file.url === shown.url) || {};
  return { width, height };
}

const nameIn = (address) => decodeURIComponent(address.split("?")[0].split("/").pop());

// -- reactions and the menu

function reactions(message) {
  return h("div", { class: "reactions", hidden: !message.reactions?.length }, (message.reactions || []).map((reaction) =>
    h("button", { type: "button", class: "reaction", "aria-pressed": String(reaction.me), data: { key: reaction.emoji.name }, "aria-label": `${reaction.emoji.name}, ${reaction.count}`,
      onclick: () => act("react", { message: message.id, emoji: reaction.emoji.name, add: !reaction.me }).catch(() => {}) },
    `${reaction.emoji.name} ${reaction.count}`)));
}

// Events tell reactions as the bot sees them: ask for what this person sees.
export async function withOwnReactions(message) {
  if (!message.reactions?.length) return message;
  const all = await get("/loopback/messages", { as: store.me, channel: message.channel_id });
  return all.find((each) => each.id === message.id) || message;
}

function menu(entry, x, y, from) {
  const { message } = entry;
  const usable = store.state.commands.filter((command) => command.type === 3 && store.place.commands.includes(command.id));
  const context = { id: message.id, fail: (text) => { if (text) note(`Message menu`, text); } };
  const own = message.author.id === store.me || store.place.may_manage;
  const ephemeral = Boolean(message.flags & EPHEMERAL);
  openMenu([
    ...(usable.length ? [{ heading: "Apps" }] : []),
    ...usable.map((command) => ({ label: command.label, run: () => use(null, context, "message_command", { name: command.name }) })),
    { heading: "Message" },
    ...(ephemeral ? [] : REACTIONS.map((emoji) => ({ label: `React with ${emoji}`, run: () => act("react", { message: message.id, emoji }).catch((error) => note("Reaction", error.message)) }))),
    { label: "Copy text", run: () => navigator.clipboard?.writeText(message.content || spoken(message)) },
    ...(ephemeral || own ? [{ label: ephemeral ? "Dismiss message" : "Delete message", danger: true, run: () => act("delete", { message: message.id }).catch((error) => note("Delete", error.message)) }] : []),
  ], { x, y, from, label: "Message" });
}

function spoken(message) {
  if (message.flags & LOADING) return `${nameOf(message.author)} is thinking`;
  const pictures = message.attachments.length ? ` ${message.attachments.length} file${message.attachments.length > 1 ? "s" : ""}` : "";
  return `${nameOf(message.author)}: ${wordsOf(message).slice(0, 200)}${pictures}`;
}

/** What a message says, without the marks of small lines. */
function wordsOf(message) {
  const said = [message.content, ...message.embeds.flatMap((embed) => [embed.title, embed.description])];
  return said.filter(Boolean).join(". ").replace(/^-# /gm, "");
}
