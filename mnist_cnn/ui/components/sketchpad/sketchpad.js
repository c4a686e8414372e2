// The drawing pad. Gradio runs this file as the body of a function with `element`, `props`, `trigger` and `data`, which is
// sketchpad.json, in scope.

/**
 * A canvas that keeps what is drawn on it as strokes, so that it stays sharp at any size, can be undone, and is sent
 * as a picture of always the same size.
 *
 * Coordinates and widths are in units of the pad's side. The drawing's history is a list of actions, each a stroke
 * `{ erase, width, points: [[x, y], ...] }`, a picture `{ url, image }` over the whole pad, or `{ clear: true }`.
 */
class Sketchpad {
  static PICTURE_SIDE = 280; // of the picture that is sent, in pixels
  static SEND_EVERY = 100; // milliseconds between two pictures while the pen is down
  static KEPT = "sketchpad"; // the key in the tab's storage of a drawing that outlives a loading of the page

  /**
   * @param {HTMLElement} root holds the canvas and the tools of sketchpad.html
   * @param {(picture: string) => void} send takes the drawing as a PNG data URL, ink in the alpha channel; "" if empty
   * @param {{ width: number, examples: { name: string, strokes: number[][][] }[] }} data drawings that the pad offers
   */
  constructor(root, send, data) {
    this.root = root;
    this.send = send;
    this.canvas = root.querySelector("canvas");
    this.widthInput = root.querySelector("[data-width]");
    this.done = [];
    this.undone = [];
    this.erasing = false;
    this.pointer = null; // the pointer that draws, `{ id, type }`; others are a palm or a second finger
    this.frame = null;
    this.timer = null;
    this.lastSent = 0;

    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.extend(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(end, (event) => this.finish(event));
    }
    root.addEventListener("keydown", (event) => this.onKey(event));
    for (const button of root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this[button.dataset.action]());
    }
    for (const button of root.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.choose(button.dataset.tool === "eraser"));
    }
    for (const { name, strokes } of data.examples) this.offer(name, strokes, data.width);
    document.addEventListener("sketch", (event) => this.putPicture(event.detail));
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
    addEventListener("resize", () => this.redraw()); // zoomed: as large as before, of more pixels
    // Light and dark differ in the ink's colour.
    new MutationObserver(() => this.redraw()).observe(document.body, { attributeFilter: ["class"] });

    // Gradio loads the page anew when a server that was away is back; what was sent meanwhile is lost.
    addEventListener("pagehide", () => this.keep());
    this.restore();
  }

  /** Put the drawing into the tab's storage; a page inside another may have none, and then it is lost. */
  keep() {
    try {
      const text = JSON.stringify(this.strokes(), (name, value) => (name === "image" ? undefined : value));
      sessionStorage.setItem(Sketchpad.KEPT, text);
    } catch (error) {
      console.warn("The drawing will not outlive this page:", error);
    }
  }

  restore() {
    try {
      this.done = JSON.parse(sessionStorage.getItem(Sketchpad.KEPT)) ?? [];
      sessionStorage.removeItem(Sketchpad.KEPT);
    } catch (error) {
      console.warn("A drawing may not have outlived the last page:", error);
    }
    for (const action of this.done) if (action.url) this.load(action);
    if (this.done.length) this.sendSoon();
  }

  // --- the pen ---

  begin(event) {
    const palm = this.pointer?.type === "touch" && event.pointerType === "pen";
    if ((this.pointer && !palm) || event.button > 0) return;
    event.preventDefault();
    if (palm) this.done.pop(); // it lay on the pad before the pen came
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = { id: event.pointerId, type: event.pointerType };
    const width = Number(this.widthInput.value) / Sketchpad.PICTURE_SIDE;
    this.act({ erase: this.erasing, width, points: [this.place(event)] });
  }

  extend(event) {
    if (event.pointerId !== this.pointer?.id) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    const stroke = this.done.at(-1);
    for (const move of moves.length ? moves : [event]) stroke.points.push(this.place(move));
    this.redraw();
    this.sendSoon();
  }

  finish(event) {
    if (event.pointerId !== this.pointer?.id) return;
    this.pointer = null;
    this.sendNow();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  // --- the history ---

  act(action) {
    this.done.push(action);
    this.undone = [];
    this.redraw();
    this.sendSoon();
  }

  undo() {
    this.move(this.done, this.undone);
  }

  redo() {
    this.move(this.undone, this.done);
  }

  move(from, to) {
    if (this.pointer || !from.length) return;
    to.push(from.pop());
    this.redraw();
    this.sendNow();
  }

  clear() {
    if (this.pointer || !this.strokes().length) return;
    this.act({ clear: true });
    this.sendNow();
  }

  /** Add a button with a small picture of finished strokes, which puts them onto the pad. */
  offer(name, strokes, width) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Draw the example ${name}`;
    button.setAttribute("aria-label", `Example: ${name}`);
    const lines = strokes.map((points) => `<polyline points="${points}"/>`);
    button.innerHTML = `<svg viewBox="0.1 0.1 0.8 0.8" aria-hidden="true">${lines.join("")}</svg>`;
    button.addEventListener("click", () => this.put(strokes.map((points) => ({ erase: false, width, points }))));
    this.root.querySelector(".examples").append(button);
  }

  /** Put finished strokes onto the pad, in place of what is on it, as if they had been drawn one after the other. */
  put(strokes) {
    if (this.pointer) return;
    if (this.strokes().length) this.act({ clear: true });
    for (const stroke of strokes) this.act(stroke);
    this.sendNow();
  }

  /**
   * Put a picture onto the pad in the same way, in its ink.
   * @param {string} url of a small picture, white ink on black, of which each pixel becomes a square
   */
  async putPicture(url) {
    const action = { url };
    await this.load(action);
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.put([action]);
  }

  /** Make a picture's ink of its URL, which alone can be put into the tab's storage, and draw it. */
  async load(action) {
    const picture = new Image();
    picture.src = action.url;
    await picture.decode();
    const image = document.createElement("canvas");
    [image.width, image.height] = [picture.width, picture.height];
    const context = image.getContext("2d");
    context.drawImage(picture, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height);
    for (let index = 0; index < pixels.data.length; index += 4) pixels.data[index + 3] = pixels.data[index];
    context.putImageData(pixels, 0, 0);
    action.image = image;
    this.redraw();
    this.sendSoon();
  }

  choose(eraser) {
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
    else if (!command && key === "e") this.choose(!this.erasing);
    else return;
    event.preventDefault();
  }

  /** The strokes that are on the pad now: those since it was last cleared. */
  strokes() {
    return this.done.slice(this.done.findLastIndex((action) => action.clear) + 1);
  }

  // --- the picture ---

  /** Draw soon, at most once a frame. */
  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
      if (!side) return; // hidden
      if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
      this.paint(this.canvas.getContext("2d"), side, getComputedStyle(this.canvas).color);
      const inked = this.strokes().length > 0;
      this.root.querySelector(".paper").classList.toggle("inked", inked);
      this.enable("undo", this.done.length > 0);
      this.enable("redo", this.undone.length > 0);
      this.enable("clear", inked);
    });
  }

  enable(action, enabled) {
    const button = this.root.querySelector(`[data-action=${action}]`);
    // A button that is disabled takes the focus with it, and the pad would hear no more keys.
    if (!enabled && button === document.activeElement) this.canvas.focus({ preventScroll: true });
    button.disabled = !enabled;
  }

  paint(context, side, ink) {
    context.clearRect(0, 0, side, side);
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = ink;
    for (const { url, image, erase, width, points } of this.strokes()) {
      if (url && !image) continue; // on its way
      if (image) {
        context.imageSmoothingEnabled = false;
        context.globalCompositeOperation = "source-over";
        context.drawImage(this.inked(image, ink), 0, 0, side, side);
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

  /** A picture's ink, which is its coverage alone, in a colour. */
  inked(image, colour) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = colour;
    context.fillRect(0, 0, canvas.width, canvas.height);
    return canvas;
  }

  picture() {
    if (!this.strokes().length) return "";
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Sketchpad.PICTURE_SIDE;
    this.paint(canvas.getContext("2d"), Sketchpad.PICTURE_SIDE, "black");
    return canvas.toDataURL("image/png");
  }

  // --- sending ---

  sendSoon() {
    const wait = this.lastSent + Sketchpad.SEND_EVERY - performance.now();
    this.timer ??= setTimeout(() => this.sendNow(), Math.max(0, wait));
  }

  sendNow() {
    clearTimeout(this.timer);
    this.timer = null;
    this.lastSent = performance.now();
    this.send(this.picture());
  }
}

const send = (picture) => {
  props.value = picture;
  trigger("input");
};
new Sketchpad(element, send, data);
