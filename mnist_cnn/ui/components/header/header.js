// Shows why a request was rejected. Gradio's page does that for queued events only. Gradio runs this file as the body of
// a function with `trigger` in scope.

const send = window.fetch;

/** Show a message, unless it is on the page: every stroke repeats a rejected request. */
function show(message) {
  const shown = [...document.querySelectorAll("[data-testid=toast-text]")].map((toast) => toast.textContent.trim());
  if (!shown.includes(message)) trigger("error", message);
}

window.fetch = async (address, options) => {
  const response = await send(address, options);
  if (!response.ok && String(address).includes("/gradio_api/run/")) show((await response.clone().json()).error);
  return response;
};
