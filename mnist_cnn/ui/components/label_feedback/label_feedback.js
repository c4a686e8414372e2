// What the digit was. Gradio runs this file as the body of a function with `element` and `trigger` in scope.

// A press leaves the focus where it is, on the pad, whose keys go on working; Tab gets to the buttons all the same.
element.addEventListener("mousedown", (event) => event.preventDefault());
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("select", { digit: Number(button.textContent) });
});
