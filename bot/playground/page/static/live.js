// Live events of one person. After each (re)connection everything is loaded anew, so nothing that
// happened in between is missed; events that come while it loads are kept back and come after it.

let source = null;

export function connect({ viewer, load, handle, status }) {
  source?.close();
  const mine = new EventSource(`/loopback/events?as=${encodeURIComponent(viewer)}`);
  source = mine;
  let kept = [];
  const reload = async () => {
    kept = [];
    try {
      await load();
      status("");
    } catch {
      status("Could not load. Trying again…");
      setTimeout(() => { if (source === mine) reload(); }, 1000);
      return;
    }
    const events = kept;
    kept = null;
    if (source === mine) events.forEach(handle);
  };
  mine.addEventListener("open", reload);
  mine.addEventListener("error", () => {
    if (source !== mine) return;
    status("The playground does not answer. Reconnecting…");
    if (mine.readyState === EventSource.CLOSED) {
      setTimeout(() => { if (source === mine) connect({ viewer, load, handle, status }); }, 1500);
    }
  });
  mine.addEventListener("message", (event) => {
    if (source !== mine) return;
    const data = JSON.parse(event.data);
    if (kept) kept.push(data);
    else handle(data);
  });
}
