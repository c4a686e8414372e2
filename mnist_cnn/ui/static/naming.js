// What the digit was. Gradio runs this file as the body of a function with `element` and `trigger` in scope.

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("select", { digit: Number(button.textContent) });
});
