// Offers to train on the labelled drawings. Gradio runs this file as the body of a function with `element`, `props`,
// `trigger` and `watch` in scope.

const [train, progress, cancel, undo, text] = element.querySelectorAll("button, progress, span");
const show = () => {
  const value = JSON.parse(props.value);
  const running = value.percent !== null;
  train.textContent = `Train on my drawings (${value.count})`;
  train.hidden = !value.count;
  train.disabled = running;
  progress.hidden = cancel.hidden = !running;
  progress.value = value.percent ?? 0;
  undo.hidden = running || !value.can_undo;
  if (text.textContent !== value.text) text.textContent = value.text; // a screen reader reads each change
};
train.addEventListener("click", () => trigger("submit"));
cancel.addEventListener("click", () => trigger("stop"));
undo.addEventListener("click", () => trigger("undo"));
watch("value", show);
show();
