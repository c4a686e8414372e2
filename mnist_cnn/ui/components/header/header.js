// Shows why a request was rejected. Gradio's page does that for queued events only. Gradio runs this file as the body of
// a function with `trigger` in scope.

const REPEAT_AFTER = 10_000; // milliseconds for which Gradio shows a message: drawing repeats a rejected request at once

const send = window.fetch;
let shown = { message: "", time: -Infinity };

window.fetch = async (address, options) => {
  const response = await send(address, options);
  if (!response.ok && String(address).includes("/gradio_api/run/")) {
    const { error: message } = await response.clone().json();
    const now = performance.now();
    if (message !== shown.message || now - shown.time > REPEAT_AFTER) {
      shown = { message, time: now };
      trigger("error", message);
    }
  }
  return response;
};
