// A graph that is too wide begins where the artifact itself stands.
for (const graph of document.querySelectorAll(".graph[data-start=right]")) {
  graph.scrollLeft = graph.scrollWidth;
}
