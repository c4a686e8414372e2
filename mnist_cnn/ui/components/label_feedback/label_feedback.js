// Reports the label that the user selects. Gradio runs this file as the body of a function with `element`, `props` and
// `trigger` in scope.

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("select", { digit: Number(button.textContent) });
});
// The text is about a drawing that is no longer there.
document.addEventListener("canvas-cleared", () => (props.value = ""));
