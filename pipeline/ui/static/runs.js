// Two runs can be chosen, no more: the button says when they are.
const boxes = [...document.querySelectorAll("#compare input[type=checkbox]")];
const button = document.getElementById("compare-button");
const status = document.getElementById("chosen");

function update() {
  const chosen = boxes.filter((box) => box.checked);
  for (const box of boxes) box.disabled = chosen.length >= 2 && !box.checked;
  button.disabled = chosen.length !== 2;
  status.textContent = ["Choose two runs by their boxes.", "Choose one more.",
    `${chosen.map((box) => box.value).join(" and ")} are chosen.`][chosen.length];
}

if (button) {
  for (const box of boxes) box.addEventListener("change", update);
  update();
}
