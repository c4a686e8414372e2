// The canvas to draw on. Gradio runs this file as the body of a function with `element`, `props`, `trigger` and `data`,
// the content of sketchpad.json, in scope.

/**
 * Keeps a drawing as strokes, so that it is sharp at any size and can be undone; sends it as an image of fixed size.
 *
 * Coordinates and widths are fractions of the canvas's side. The drawing is a list of actions, each a stroke
 * `{ erase, width, points: [[x, y], ...] }`, an image `{ url, image }` over the whole canvas, or `{ clear: true }`.
 */
class Sketchpad {
  static SENT_SIDE = 280; // pixels of the image that is sent
  static SEND_INTERVAL = 100; // milliseconds between two images during a stroke
  static STORAGE_KEY = "sketchpad"; // in the session storage, where the drawing survives a reload of the page

  /**
   * @param {HTMLElement} root holds the canvas and the tools of sketchpad.html
   * @param {(url: string) => void} send receives the drawing as a PNG data URL, ink in the alpha channel; "" if empty
   * @param {{ width: number, examples: { name: string, strokes: number[][][] }[] }} data example drawings
   */
  constructor(root, send, data) {
    this.root = root;
    this.send = send;
    this.canvas = root.querySelector("canvas");
    this.widthInput = root.querySelector("[data-width]");
    this.actions = [];
    this.undone = [];
    this.erasing = false;
    this.pointer = null; // the pointer that draws, `{ id, type }`; others, such as a palm or a second finger, do not
    this.frame = null;
    this.timer = null;
    this.lastSent = 0;

    this.canvas.addEventListener("pointerdown", (event) => this.beginStroke(event));
    this.canvas.addEventListener("pointermove", (event) => this.extendStroke(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(type, (event) => this.endStroke(event));
    }
    root.addEventListener("keydown", (event) => this.onKey(event));
    for (const button of root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this[button.dataset.action]());
    }
    for (const button of root.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.selectTool(button.dataset.tool === "eraser"));
    }
    for (const { name, strokes } of data.examples) this.addExample(name, strokes, data.width);
    document.addEventListener("load-image", (event) => this.insertImage(event.detail)); // from run_results.js
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
    addEventListener("resize", () => this.redraw()); // zooming changes the pixels per CSS pixel, not the size
    // The ink's colour depends on the light or dark theme.
    new MutationObserver(() => this.redraw()).observe(document.body, { attributeFilter: ["class"] });

    // Gradio reloads the page when the server is reachable again; what was sent in the meantime is lost.
    addEventListener("pagehide", () => this.store());
    this.restore();
  }

  /** Put the drawing into the session storage. A page in a frame may have none; then a reload loses the drawing. */
  store() {
    try {
      const text = JSON.stringify(this.strokes(), (name, value) => (name === "image" ? undefined : value));
      sessionStorage.setItem(Sketchpad.STORAGE_KEY, text);
    } catch (error) {
      console.warn("The drawing could not be stored:", error);
    }
  }

  static isAction(action) {
    return action.clear === true || typeof action.url === "string" || action.points.flat().every(Number.isFinite);
  }

  restore() {
    try {
      const actions = JSON.parse(sessionStorage.getItem(Sketchpad.STORAGE_KEY)) ?? [];
      sessionStorage.removeItem(Sketchpad.STORAGE_KEY);
      // A script of another page on the same host may have written anything.
      if (!actions.every(Sketchpad.isAction)) throw new TypeError("it is not a drawing");
      this.actions = actions;
    } catch (error) {
      console.warn("A stored drawing could not be restored:", error);
    }
    for (const action of this.actions) if (action.url) this.load(action);
    if (this.actions.length) this.sendSoon();
  }

  // --- drawing ---

  beginStroke(event) {
    const replacesPalm = this.pointer?.type === "touch" && event.pointerType === "pen";
    if ((this.pointer && !replacesPalm) || event.button > 0) return;
    event.preventDefault();
    if (replacesPalm) this.actions.pop(); // the stroke of the palm that touched the canvas before the pen
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = { id: event.pointerId, type: event.pointerType };
    const width = Number(this.widthInput.value) / Sketchpad.SENT_SIDE;
    this.add({ erase: this.erasing, width, points: [this.position(event)] });
  }

  extendStroke(event) {
    if (event.pointerId !== this.pointer?.id) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    const stroke = this.actions.at(-1);
    for (const move of moves.length ? moves : [event]) stroke.points.push(this.position(move));
    this.redraw();
    this.sendSoon();
  }

  endStroke(event) {
    if (event.pointerId !== this.pointer?.id) return;
    this.pointer = null;
    this.sendNow();
  }

  position(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  // --- actions ---

  add(action) {
    this.actions.push(action);
    this.undone = [];
    this.redraw();
    this.sendSoon();
  }

  undo() {
    this.moveLast(this.actions, this.undone);
  }

  redo() {
    this.moveLast(this.undone, this.actions);
  }

  moveLast(from, to) {
    if (this.pointer || !from.length) return;
    to.push(from.pop());
    this.redraw();
    this.sendNow();
  }

  clear() {
    if (this.pointer || !this.strokes().length) return;
    this.add({ clear: true });
    this.sendNow();
  }

  /** Add a button that shows an example and puts its strokes onto the canvas. */
  addExample(name, strokes, width) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Draw the example ${name}`;
    button.setAttribute("aria-label", `Example: ${name}`);
    const lines = strokes.map((points) => `<polyline points="${points}"/>`);
    button.innerHTML = `<svg viewBox="0.1 0.1 0.8 0.8" aria-hidden="true">${lines.join("")}</svg>`;
    button.addEventListener("click", () => this.replace(strokes.map((points) => ({ erase: false, width, points }))));
    this.root.querySelector(".examples").append(button);
  }

  /** Replace the drawing by these actions, each of which can be undone. */
  replace(actions) {
    if (this.pointer) return;
    if (this.strokes().length) this.add({ clear: true });
    for (const action of actions) this.add(action);
    this.sendNow();
  }

  /**
   * Replace the drawing by an image.
   * @param {string} url of a small image, white ink on black
   */
  async insertImage(url) {
    const action = { url };
    await this.load(action);
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.replace([action]);
  }

  /** Decode an action's image from its URL, which is what the session storage holds, and draw it. */
  async load(action) {
    const source = new Image();
    source.src = action.url;
    await source.decode();
    const image = document.createElement("canvas");
    [image.width, image.height] = [source.width, source.height];
    const context = image.getContext("2d");
    context.drawImage(source, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height);
    // White becomes opaque and black transparent.
    for (let index = 0; index < pixels.data.length; index += 4) pixels.data[index + 3] = pixels.data[index];
    context.putImageData(pixels, 0, 0);
    action.image = image;
    this.redraw();
    this.sendSoon();
  }

  selectTool(eraser) {
    this.erasing = eraser;
    for (const button of this.root.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String((button.dataset.tool === "eraser") === eraser));
    }
  }

  onKey(event) {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && (key === "y" || (key === "z" && event.shiftKey))) this.redo();
    else if (command && key === "z") this.undo();
    else if (!command && (key === "delete" || key === "c")) this.clear();
    else if (!command && key === "e") this.selectTool(!this.erasing);
    else return;
    event.preventDefault();
  }

  /** The strokes and images on the canvas: the actions since it was last cleared. */
  strokes() {
    return this.actions.slice(this.actions.findLastIndex((action) => action.clear) + 1);
  }

  // --- rendering ---

  /** Draw everything again, at most once per frame. */
  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
      if (!side) return; // the tab is hidden
      if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
      this.render(this.canvas.getContext("2d"), side, getComputedStyle(this.canvas).color);
      const inked = this.strokes().length > 0;
      this.root.querySelector(".drawing-area").classList.toggle("inked", inked);
      this.enable("undo", this.actions.length > 0);
      this.enable("redo", this.undone.length > 0);
      this.enable("clear", inked);
    });
  }

  enable(action, enabled) {
    const button = this.root.querySelector(`[data-action=${action}]`);
    // A button that is disabled loses the focus, and the component would receive no more keys.
    if (!enabled && button === document.activeElement) this.canvas.focus({ preventScroll: true });
    button.disabled = !enabled;
  }

  render(context, side, colour) {
    context.clearRect(0, 0, side, side);
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = colour;
    for (const { url, image, erase, width, points } of this.strokes()) {
      if (url && !image) continue; // still loading
      if (image) {
        context.imageSmoothingEnabled = false; // each pixel becomes a square
        context.globalCompositeOperation = "source-over";
        context.drawImage(this.tint(image, colour), 0, 0, side, side);
        continue;
      }
      context.globalCompositeOperation = erase ? "destination-out" : "source-over";
      context.lineWidth = width * side;
      context.beginPath();
      if (points.length === 1) {
        context.arc(points[0][0] * side, points[0][1] * side, (width * side) / 2, 0, 2 * Math.PI);
        context.fill();
      } else {
        for (const [x, y] of points) context.lineTo(x * side, y * side);
        context.stroke();
      }
    }
    context.globalCompositeOperation = "source-over";
  }

  /** A copy of an image with its alpha channel and one colour. */
  tint(image, colour) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = colour;
    context.fillRect(0, 0, canvas.width, canvas.height);
    return canvas;
  }

  // --- sending ---

  dataURL() {
    if (!this.strokes().length) return "";
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Sketchpad.SENT_SIDE;
    this.render(canvas.getContext("2d"), Sketchpad.SENT_SIDE, "black");
    return canvas.toDataURL("image/png");
  }

  sendSoon() {
    const wait = this.lastSent + Sketchpad.SEND_INTERVAL - performance.now();
    this.timer ??= setTimeout(() => this.sendNow(), Math.max(0, wait));
  }

  sendNow() {
    clearTimeout(this.timer);
    this.timer = null;
    this.lastSent = performance.now();
    const url = this.dataURL();
    if (!url) document.dispatchEvent(new Event("canvas-cleared")); // label_feedback.js listens for it
    this.send(url);
  }
}

const send = (url) => {
  props.value = url;
  trigger("input");
};
new Sketchpad(element, send, data);
