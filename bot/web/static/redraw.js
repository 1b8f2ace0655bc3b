// The page where a mask is painted. What was painted is a list of strokes, drawn again for undo.

const $ = (selector, root = document) => root.querySelector(selector);
const form = $(".work");
const canvas = $("#mask");
const ring = $(".ring");
const sheet = $(".sheet");
const size = $("#size");
const words = $(".work .words");
const context = canvas.getContext("2d");
const INK = ["#e0301e", "#fff"]; // stripes of two, to be seen on hair of any colour

let strokes = [];
let undone = [];
let current = null;
let erasing = false;
let sending = false;
let accepted = false;
const cursor = { x: canvas.width / 2, y: canvas.height / 2 };

// Drawing.

function striped([ground, stripe]) {
  const width = Math.max(8, 2 * Math.round(Math.min(canvas.width, canvas.height) / 52));
  const tile = new OffscreenCanvas(width, width);
  const on = tile.getContext("2d");
  on.fillStyle = ground;
  on.fillRect(0, 0, width, width);
  on.strokeStyle = stripe;
  on.lineWidth = width / 4;
  on.beginPath();
  for (const left of [-width, 0, width]) {
    on.moveTo(left - 1, width + 1);
    on.lineTo(left + width + 1, -1);
  }
  on.stroke();
  return context.createPattern(tile, "repeat");
}
const ink = striped(INK);

function draw(stroke, from = 0) {
  if (stroke.clear) return context.clearRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = ink;
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = stroke.size;
  context.beginPath();
  const [first] = stroke.points;
  if (stroke.points.length === 1) {
    context.arc(first.x, first.y, stroke.size / 2, 0, 2 * Math.PI);
    return context.fill();
  }
  const points = stroke.points.slice(Math.max(0, from - 1));
  context.moveTo(points[0].x, points[0].y);
  for (const point of points.slice(1)) context.lineTo(point.x, point.y);
  context.stroke();
}

function redraw() {
  context.clearRect(0, 0, canvas.width, canvas.height);
  const last = strokes.findLastIndex((stroke) => stroke.clear);
  for (const stroke of strokes.slice(last + 1)) draw(stroke);
}

function begin(point, erase = erasing) {
  current = { erase, size: Number(size.value), points: [point] };
  draw(current);
}

function extend(points) {
  const from = current.points.length;
  current.points.push(...points);
  draw(current, from);
}

function end() {
  if (!current) return;
  strokes.push(current);
  current = null;
  undone = [];
  redraw(); // the edges of a stroke drawn at once differ a little: as undo will show it
  say("");
  show();
}

function drop() {
  if (!current) return;
  current = null;
  redraw();
}

const actions = {
  undo() {
    end();
    if (strokes.length) undone.push(strokes.pop());
    redraw();
  },
  redo() {
    if (undone.length) strokes.push(undone.pop());
    redraw();
  },
  clear() {
    end();
    if (!strokes.length || strokes.at(-1).clear) return;
    strokes.push({ clear: true });
    undone = [];
    redraw();
  },
};

function act(name) {
  if (sending || accepted) return;
  actions[name]();
  show();
}

function choose(tool) {
  erasing = tool === "eraser";
  show();
}

function resize(by) {
  size.value = Number(size.value) + by;
  show();
}

// What the page shows of all this.

const scale = () => canvas.getBoundingClientRect().width / canvas.width;

function place() {
  const width = Number(size.value) * scale();
  ring.style.width = ring.style.height = `${width}px`;
  ring.style.left = `${cursor.x * scale()}px`;
  ring.style.top = `${cursor.y * scale()}px`;
}

function show() {
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String((button.dataset.tool === "eraser") === erasing));
  }
  $('[data-do="undo"]').disabled = !strokes.length;
  $('[data-do="redo"]').disabled = !undone.length;
  $('[data-do="clear"]').disabled = !strokes.length || Boolean(strokes.at(-1).clear);
  for (const output of document.querySelectorAll(".work output")) {
    const input = document.getElementById(output.htmlFor.value);
    output.value = input.id === "size" ? input.value : Number(input.value).toFixed(2);
  }
  ring.classList.toggle("erasing", erasing);
  place();
}

function say(text) {
  words.textContent = text;
  words.hidden = !text;
}

// Mouse, finger, pen.

function at(event) {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) * canvas.width) / box.width,
    y: ((event.clientY - box.top) * canvas.height) / box.height,
  };
}

let pointer = null;
canvas.addEventListener("pointerdown", (event) => {
  const eraser = event.button === 5; // of a pen
  if (!event.isPrimary || (event.button !== 0 && !eraser) || sending || accepted) return;
  canvas.setPointerCapture(event.pointerId);
  end();
  pointer = event.pointerId;
  Object.assign(cursor, at(event));
  begin(at(event), erasing || eraser);
  place();
});
canvas.addEventListener("pointermove", (event) => {
  ring.hidden = false;
  Object.assign(cursor, at(event));
  place();
  if (event.pointerId !== pointer || !current) return;
  const passed = event.getCoalescedEvents?.() ?? [];
  extend((passed.length ? passed : [event]).map(at));
});
canvas.addEventListener("pointerup", (event) => {
  if (event.pointerId !== pointer) return;
  pointer = null;
  end();
});
canvas.addEventListener("pointercancel", (event) => {
  if (event.pointerId !== pointer) return; // two fingers zoom: that is no stroke
  pointer = null;
  drop();
});
canvas.addEventListener("pointerleave", () => {
  if (document.activeElement !== canvas) ring.hidden = true;
});

// The keyboard.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function move([x, y], far) {
  const step = Math.max(4, Number(size.value) / (far ? 0.5 : 4));
  cursor.x = Math.min(canvas.width, Math.max(0, cursor.x + x * step));
  cursor.y = Math.min(canvas.height, Math.max(0, cursor.y + y * step));
  if (current && pointer === null) extend([{ ...cursor }]);
  place();
}

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || sending || accepted) return;
  const done = () => {
    event.preventDefault();
    event.stopPropagation();
    ring.hidden = false;
  };
  if (event.key in STEPS) {
    done();
    move(STEPS[event.key], event.shiftKey);
  } else if (event.key === " ") {
    done();
    if (!current) begin({ ...cursor });
  } else if (event.key === "+" || event.key === "=") {
    done();
    resize(8);
  } else if (event.key === "-") {
    done();
    resize(-8);
  } else if (event.key.toLowerCase() === "e") {
    done();
    choose(erasing ? "brush" : "eraser");
  } else if (event.key === "Enter") {
    done();
    end();
    form.requestSubmit();
  }
});
canvas.addEventListener("keyup", (event) => {
  if (event.key === " " && pointer === null) end();
});
canvas.addEventListener("focus", () => {
  if (canvas.matches(":focus-visible")) ring.hidden = false;
  place();
});
canvas.addEventListener("blur", () => {
  if (pointer === null) end();
  ring.hidden = true;
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  if (/^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "") &&
      document.activeElement.type !== "range") return; // texts have their own
  const key = event.key.toLowerCase();
  const name = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" && "undo";
  if (!name) return;
  event.preventDefault();
  act(name);
});

// The form.

for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => choose(button.dataset.tool));
}
for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => act(button.dataset.do));
}
form.addEventListener("input", show);

// White where it is painted, black elsewhere.
function mask() {
  const whole = new OffscreenCanvas(canvas.width, canvas.height);
  const on = whole.getContext("2d");
  on.drawImage(canvas, 0, 0);
  on.globalCompositeOperation = "source-in";
  on.fillStyle = "#fff";
  on.fillRect(0, 0, whole.width, whole.height);
  on.globalCompositeOperation = "destination-over";
  on.fillStyle = "#000";
  on.fillRect(0, 0, whole.width, whole.height);
  return whole.convertToBlob({ type: "image/png" });
}

async function send() {
  const body = new FormData();
  body.append("prompt", $("#prompt").value);
  body.append("strength", $("#strength").value);
  body.append("mask", await mask(), "mask.png");
  const answer = await fetch(form.action, { method: "POST", body });
  if (answer.status === 429) return { words: form.dataset.busy };
  return answer.json();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending || accepted) return;
  end();
  if (!strokes.some((stroke) => !stroke.clear && !stroke.erase)) {
    say(form.dataset.empty);
    return;
  }
  sending = true;
  const button = $(".send");
  const said = button.textContent;
  button.textContent = form.dataset.sending;
  button.disabled = true;
  say("");
  let answer = {};
  try {
    answer = await send();
  } catch {
    answer = {}; // no connection, or an answer that is not ours
  }
  sending = false;
  button.textContent = said;
  button.disabled = false;
  if (!answer.done) {
    say(answer.words || form.dataset.failed);
    words.scrollIntoView({ block: "nearest" });
    return;
  }
  accepted = true;
  form.hidden = true;
  canvas.tabIndex = -1;
  ring.hidden = true;
  const done = $(".done");
  done.textContent = answer.words;
  done.hidden = false;
  done.focus();
});

addEventListener("beforeunload", (event) => {
  if (strokes.length && !accepted) event.preventDefault();
});
new ResizeObserver(place).observe(sheet);
show();
