// What the page knows, and the calls that change it on the server.

export const store = {
  me: null,            // id of the person at the page
  channel: null,       // id of the open channel
  state: null,         // users, guilds, channels, commands
  place: null,         // what `me` can do in `channel`
  entering: null,      // a promise: the channel's messages and commands have been loaded
  unread: new Set(),
};

export class Refused extends Error {}

export async function get(path, params = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(params)}`);
  if (!response.ok) throw new Refused(await reasonOf(response));
  return response.json();
}

async function reasonOf(response) {
  try {
    const body = await response.json();
    return body.error || body.message || `Status ${response.status}`;
  } catch {
    return `Status ${response.status}`;
  }
}

export async function act(action, body) {
  const response = await fetch(`/loopback/act/${action}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ as: store.me, ...body }),
  });
  if (!response.ok) throw new Refused(await reasonOf(response));
  return response.json();
}

// The state with its commands in the language of who is at the page, as a client shows them. A
// command is used by its `name`; `label` is what stands there.
export function inLanguage(state) {
  const locale = state.users.find((user) => user.id === store.me)?.locale;
  const inThat = (words) => words?.[locale];
  const node = (each) => ({
    ...each,
    label: inThat(each.name_localizations) || each.name,
    description: inThat(each.description_localizations) || each.description,
    options: each.options?.map(node),
    choices: each.choices?.map((choice) => ({ ...choice, name: inThat(choice.name_localizations) || choice.name })),
  });
  return { ...state, commands: state.commands.map(node) };
}

// -- interactions: an act, then the bot's answer, which comes with the live events

const ANSWER_WITHIN_MS = 3000;
const answers = new Map();   // interaction id -> {modal, choices, done}
const waiting = new Map();   // interaction id -> function

export function interactionEvent(kind, data) {
  const id = data.interaction_id;
  const answer = answers.get(id) || {};
  answers.set(id, answer);
  if (answers.size > 200) answers.delete(answers.keys().next().value);
  if (kind === "modal") answer.modal = data.modal;
  if (kind === "choices") answer.choices = data.choices;
  if (kind === "interaction_acknowledged") answer.done = true;
  if (answer.done) waiting.get(id)?.(answer);
}

// Gives {id, modal, choices}; null if the bot does not answer in time. Throws Refused.
export async function interact(action, body) {
  const { interaction_id: id, callback_type: type } = await act(action, body);
  const answer = await new Promise((resolve) => {
    const known = answers.get(id);
    if (known?.done || type) { resolve(known || {}); return; }
    waiting.set(id, resolve);
    setTimeout(async () => {
      // The live connection may have been away: ask once more before giving up.
      const now = await act("status", { interaction: id }).catch(() => ({}));
      resolve(now.callback_type ? now : null);
    }, ANSWER_WITHIN_MS + 200);
  });
  waiting.delete(id);
  return answer && { id, modal: answer.modal, choices: answer.choices };
}

export const userOf = (id) => store.state.users.find((user) => user.id === id);
export const nameOf = (user) => user?.global_name || user?.username || "somebody";
export const isBot = (id) => id === store.state.bot_id;
export const roleOf = (id) => store.place?.roles[id];

export function channelName(channel) {
  return channel.type === 1 ? nameOf(userOf(store.state.bot_id)) : channel.name;
}
