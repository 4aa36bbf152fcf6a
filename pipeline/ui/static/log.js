// While the run is under way, what its log gains is added at the end.
const log = document.getElementById("log");
const PAUSE = 1000;
const MOST = 400000;
let end = Number(log.dataset.end);

async function more() {
  try {
    const answer = await fetch(`${log.dataset.source}?since=${end}`);
    if (answer.ok) {
      const { text, end: now, running } = await answer.json();
      end = now;
      if (text) {
        document.getElementById("none")?.remove();
        const below = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        log.textContent = (log.textContent + text).slice(-MOST);
        if (below) log.scrollTop = log.scrollHeight;
      }
      if (!running) return;
    }
  } catch {
    // It may come back.
  }
  setTimeout(more, PAUSE);
}

log.scrollTop = log.scrollHeight;
if (log.dataset.live === "yes") setTimeout(more, PAUSE);
