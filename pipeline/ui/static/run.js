// While the run is under way, what changes of the page is asked for anew.
const body = document.getElementById("body");
const news = document.getElementById("news");
const PAUSE = 1500;

async function refresh() {
  try {
    const answer = await fetch(body.dataset.source, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      const text = await answer.text();
      // Whoever reads it by keyboard keeps their place.
      if (!body.contains(document.activeElement) || answer.headers.get("X-Run-State") !== "RUNNING") {
        body.innerHTML = text;
      }
      if (answer.headers.get("X-Run-State") !== "RUNNING") {
        body.dataset.live = "no";
        news.textContent = `The run has ended: ${answer.headers.get("X-Run-State").toLowerCase()}.`;
        return;
      }
    }
  } catch {
    news.textContent = "The app does not answer.";
  }
  setTimeout(refresh, PAUSE);
}

if (body.dataset.live === "yes") setTimeout(refresh, PAUSE);
