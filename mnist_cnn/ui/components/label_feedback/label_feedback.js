// Reports the label that the user selects. Gradio runs this file as the body of a function with `element`, `props`,
// `trigger` and `watch` in scope.

let challenged = null; // the digit that the user shall draw so that the model misclassifies it

/** A digit from 0 to 9 that is not the one of the challenge. */
function randomDigit() {
  const others = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((digit) => digit !== challenged);
  return others[Math.floor(Math.random() * others.length)];
}

function showScore() {
  element.querySelector(".score").textContent = props.value;
}

function showChallenge() {
  const on = challenged !== null;
  element.querySelector(".challenge").setAttribute("aria-pressed", on);
  element.querySelector(".prompt").textContent = on
    ? `Draw ${challenged === 8 ? "an" : "a"} ${challenged} that the model misclassifies, then press ${challenged}.`
    : "";
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".challenge")) {
    challenged = challenged === null ? randomDigit() : null;
  } else if (button) {
    const digit = Number(button.textContent);
    trigger("select", { digit, challenge: challenged !== null });
    if (digit === challenged) challenged = randomDigit();
  }
  showChallenge();
});
// The text is about a drawing that is no longer there.
document.addEventListener("canvas-cleared", () => {
  props.value = "";
  showScore();
});
watch("value", showScore);
