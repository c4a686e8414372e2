// The canvas, which holds a drawing or an image file. Gradio runs this file as the body of a function with `element`,
// `props`, `trigger` and `data`, the content of sketchpad.json, in scope.

const TEXT_FIELDS = "textarea, select, input:not([type=checkbox], [type=radio], [type=range])";

/** Decode an image; null if the browser cannot. */
async function decodeImage(url) {
  const image = new Image();
  image.src = url;
  const isDecoded = await image.decode().then(() => true, () => false);
  return isDecoded ? image : null;
}

/**
 * Whether the browser changes what a page reads from a canvas, to make it harder to recognise the browser again. Noise in
 * the lowest bits does no harm.
 */
function isCanvasChanged() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  context.fillRect(0, 0, canvas.width / 2, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const isInked = (pixel) => pixel % canvas.width < canvas.width / 2;
  return data.some((value, index) => index % 4 === 3 && Math.abs(value - (isInked((index - 3) / 4) ? 255 : 0)) > 16);
}

/**
 * Upload an image file.
 * @returns {Promise<{ path?: string, message?: string }>} where the server keeps it, or why it does not
 */
async function uploadFile(file) {
  const { root, api_prefix, max_file_size: limit } = window.gradio_config;
  if (file.size > limit) {
    const [size, most] = [file.size, limit].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    return { message: `The file has ${size} MiB; at most ${most} MiB are accepted. Send a smaller image.` };
  }
  const form = new FormData();
  form.append("files", file, "image");
  const response = await fetch(`${root}${api_prefix}/upload`, { method: "POST", body: form }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok && answer) return { path: answer[0], message: undefined };
  return { message: answer?.error ?? "The image could not be uploaded. Check the connection, and try again." };
}

/** Where the canvas shows an image, as large as it fits: left, top, width and height as fractions of its side. */
function placement({ width, height }) {
  const side = Math.max(width, height);
  return [(1 - width / side) / 2, (1 - height / side) / 2, width / side, height / side];
}

/** The vector between two points [x, y]. */
const between = (from, to) => [to[0] - from[0], to[1] - from[1]];

/**
 * The control points of the cubic Bézier curves through points, which a fast hand leaves far apart. At a point the curve
 * runs parallel to the line between its neighbours; where the stroke turns by more than 60°, it has a corner.
 * tests/support/strokes.py draws the same.
 * @param {number[][]} points [x, y]
 * @returns {number[][][]} for each point but the first: two control points, and the point
 */
function curvesThrough(points) {
  const directions = points.map((point, index) => {
    if (index === 0 || index === points.length - 1) return null;
    const [come, go] = [between(points[index - 1], point), between(point, points[index + 1])];
    const isCorner = come[0] * go[0] + come[1] * go[1] <= 0.5 * Math.hypot(...come) * Math.hypot(...go);
    const along = between(points[index - 1], points[index + 1]);
    return isCorner ? null : along.map((value) => value / Math.hypot(...along));
  });
  return points.slice(1).map((point, index) => {
    const chord = between(points[index], point);
    const third = Math.hypot(...chord) / 3;
    const [leave, arrive] = [directions[index], directions[index + 1]].map((direction) =>
      chord.map((value, axis) => (direction ? direction[axis] * third : value / 3)),
    );
    return [
      points[index].map((value, axis) => value + leave[axis]),
      point.map((value, axis) => value - arrive[axis]),
      point,
    ];
  });
}

/** The nearest number from 0 to 1. */
const clamp = (value) => Math.min(1, Math.max(0, value));

/**
 * Keeps a drawing as strokes, so that it is sharp at any size and can be undone; sends it as an image of fixed size. An
 * image file in its place is uploaded, and its path is sent.
 *
 * Coordinates and widths are fractions of the canvas's side. What the user did is a list of actions, each of which can
 * be undone: `{ replaces, strokes, url, image, file }`. One that `replaces` clears the canvas first. Its `strokes` are
 * `{ erase, width, points: [[x, y], ...] }`. Optional are an MNIST image over the whole canvas, `url` and `image`, and
 * a `file`, `{ name, type, image, path, message, ink }`: `image` is null if the browser cannot show it, `message` says
 * why it has no `path` on the server, and `ink` is what the server extracted from it. Where a drawing gets strokes, an
 * image is cropped: the part that the user selects becomes a file in its place.
 */
class Sketchpad {
  static SENT_SIDE = 280; // pixels of the image that is sent
  static MIN_SENT_WIDTH = 5 / 280; // of a pen
  static SEND_INTERVAL = 100; // milliseconds between two images during a stroke
  static MIN_CROP = 0.03; // of the longer side of an image; a smaller selection is a tap
  static MAX_CROP_SIDE = 2048; // pixels; the server reduces what is larger
  static ARROWS = { arrowleft: [-0.05, 0], arrowright: [0.05, 0], arrowup: [0, -0.05], arrowdown: [0, 0.05] };
  static STORAGE_KEY = "sketchpad"; // in the session storage, where the drawing survives a reload of the page

  /**
   * @param {HTMLElement} root holds the canvas and the tools of sketchpad.html
   * @param {(value: string | { unfinished: string } | { path: string }, message?: string) => void} send receives the
   *   drawing as a PNG data URL, ink in the alpha channel, which is `unfinished` while the pen is down; or where the
   *   server keeps the image file; "" if there is neither. With a message, which says why, the value is not to be
   *   classified
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
    this.selection = null; // of a part of an image: two opposite corners, as fractions of its width and height
    this.stream = null; // of the camera
    this.frame = null;
    this.timer = null;
    this.lastSent = 0;

    this.canvas.addEventListener("pointerdown", (event) => this.beginStroke(event));
    this.canvas.addEventListener("pointermove", (event) => this.extendStroke(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(type, (event) => this.endStroke(event));
    }
    // Safari on an iPad with a pencil takes a quick second stroke for handwriting and drops it, unless this is prevented.
    this.canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.widthInput.addEventListener("input", () => this.showBrush());
    this.showBrush();
    for (const button of root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this[button.dataset.action]());
    }
    for (const button of root.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.selectTool(button.dataset.tool === "eraser"));
    }
    for (const { name, strokes } of data.examples) this.addExample(name, strokes, data.width);
    if (isCanvasChanged()) {
      root.querySelector(".warning").textContent =
        "This browser changes what the page reads from the canvas, as a protection against tracking. Predictions are " +
        "wrong unless you allow this page to read it.";
    }
    this.receiveFiles();
    document.addEventListener("load-image", (event) => this.insertImage(event.detail)); // from run_results.js
    document.addEventListener("ink-extracted", (event) => this.showInk(event.detail)); // from prediction_panel.js
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
      const drawing = this.file() ? [] : this.shown();
      const text = JSON.stringify(drawing, (name, value) => (name === "image" ? undefined : value));
      sessionStorage.setItem(Sketchpad.STORAGE_KEY, text);
    } catch (error) {
      console.warn("The drawing could not be stored:", error);
    }
  }

  static isAction({ strokes, url = "" }) {
    return typeof url === "string" && strokes.every(({ points }) => points.flat().every(Number.isFinite));
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
    if (replacesPalm && !this.selection) this.actions.pop(); // the stroke of the palm, which came before the pen
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = { id: event.pointerId, type: event.pointerType };
    if (this.file()?.image) {
      this.select([this.positionOnImage(event), this.positionOnImage(event)]);
      return;
    }
    const width = Number(this.widthInput.value) / Sketchpad.SENT_SIDE;
    const stroke = { erase: this.erasing, width, points: [this.position(event)] };
    this.add({ replaces: Boolean(this.file()), strokes: [stroke] });
  }

  extendStroke(event) {
    if (event.pointerId !== this.pointer?.id) return;
    if (this.selection) {
      this.select([this.selection[0], this.positionOnImage(event)]);
      return;
    }
    const moves = event.getCoalescedEvents?.() ?? [];
    const [{ points }] = this.actions.at(-1).strokes;
    for (const move of moves.length ? moves : [event]) {
      const point = this.position(move);
      // A pen also reports a change of pressure; a line of no length would not be drawn.
      if (String(point) !== String(points.at(-1))) points.push(point);
    }
    this.redraw();
    this.sendSoon();
  }

  endStroke(event) {
    if (event.pointerId !== this.pointer?.id) return;
    this.pointer = null;
    if (!this.selection) this.sendNow();
    else if (event.type === "pointerup") this.crop();
    else this.select(null);
  }

  position(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  positionOnImage(event) {
    const box = placement(this.file().image);
    return this.position(event).map((value, axis) => clamp((value - box[axis]) / box[axis + 2]));
  }

  // --- actions ---

  add(action) {
    this.closeCamera();
    this.selection = null;
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
    this.selection = null;
    this.redraw();
    this.sendNow();
  }

  clear() {
    this.selectTool(false);
    if (this.stream) this.closeCamera();
    else if (!this.isEmpty()) this.replace({ strokes: [] });
  }

  /** Add a button that shows an example and puts its strokes onto the canvas. */
  addExample(name, strokes, width) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Draw the example ${name}`;
    button.setAttribute("aria-label", `Example: ${name}`);
    const lines = strokes.map((points) => `<polyline points="${points}"/>`);
    button.innerHTML = `<svg viewBox="0.1 0.1 0.8 0.8" aria-hidden="true">${lines.join("")}</svg>`;
    const example = strokes.map((points) => ({ erase: false, width, points }));
    button.addEventListener("click", () => this.replace({ strokes: example }));
    this.root.querySelector(".examples").append(button);
  }

  /** Replace what is on the canvas, unless the user is drawing. */
  replace(action) {
    if (this.pointer) return;
    document.dispatchEvent(new Event("canvas-cleared")); // label_feedback.js listens for it
    this.add({ replaces: true, ...action });
    this.sendNow();
  }

  /**
   * Replace what is on the canvas by an MNIST image.
   * @param {string} url of a PNG file with the ink in its alpha channel
   */
  async insertImage(url) {
    const action = { strokes: [], url };
    await this.load(action);
    this.canvas.focus({ focusVisible: false }); // scrolls to the canvas
    this.replace(action);
  }

  /** Decode an action's image from its URL, which is what the session storage holds, and draw it. */
  async load(action) {
    action.image = await decodeImage(action.url);
    this.redraw();
    this.sendSoon();
  }

  showBrush() {
    this.root.style.setProperty("--brush", this.widthInput.value / Sketchpad.SENT_SIDE);
  }

  selectTool(eraser) {
    this.erasing = eraser;
    for (const button of this.root.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String((button.dataset.tool === "eraser") === eraser));
    }
  }

  onKey(event) {
    if (event.target.matches(TEXT_FIELDS) || !this.canvas.checkVisibility()) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && (key === "y" || (key === "z" && event.shiftKey))) this.redo();
    else if (command && key === "z") this.undo();
    else if (!command && (key === "delete" || key === "c")) this.clear();
    else if (!command && key === "e") this.selectTool(!this.erasing);
    else if (event.target !== this.canvas || !this.selectByKey(key, event.shiftKey)) return;
    event.preventDefault();
  }

  /**
   * Select a part of an image: the arrow keys move the lower right corner, with Shift the upper left one. Enter crops.
   * @returns {boolean} whether the key means that
   */
  selectByKey(key, isShifted) {
    const step = Sketchpad.ARROWS[key];
    if (!this.file()?.image || this.pointer || !(step || this.selection)) return false;
    if (key === "enter") this.crop();
    else if (key === "escape") this.select(null);
    else if (step) {
      const corners = this.selection ?? [[0, 0], [1, 1]];
      const moved = isShifted ? 0 : 1;
      this.select(corners.with(moved, corners[moved].map((value, axis) => clamp(value + step[axis]))));
    } else return false;
    return true;
  }

  /** What is on the canvas: the actions since the last one that replaced everything. */
  shown() {
    return this.actions.slice(Math.max(0, this.actions.findLastIndex(({ replaces }) => replaces)));
  }

  isEmpty() {
    return this.shown().every(({ strokes, url, file }) => !strokes.length && !url && !file);
  }

  /** The image file on the canvas, if there is one: a stroke replaces it where the browser cannot show it. */
  file() {
    return this.actions.at(-1)?.file;
  }

  // --- image files ---

  /** Show the files that the user chooses, drops anywhere on the page, or pastes. */
  receiveFiles() {
    const input = this.root.querySelector("[type=file]");
    input.addEventListener("change", () => {
      this.showFile(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
    document.addEventListener("paste", ({ target, clipboardData }) => {
      if (!target.matches(TEXT_FIELDS)) this.showFile(clipboardData.files[0]);
    });
    const area = this.root.querySelector(".drawing-area");
    for (const type of ["dragover", "dragleave", "drop"]) {
      document.addEventListener(type, (event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault(); // the browser would open the file
        // The pointer also leaves each element on its way.
        area.classList.toggle("dropping", type === "dragover" || (type === "dragleave" && event.relatedTarget !== null));
        if (type === "drop") this.showFile(event.dataTransfer.files[0]);
      });
    }
    this.root.querySelector("[data-action=camera]").hidden = !navigator.mediaDevices; // without HTTPS there is none
  }

  choose() {
    this.root.querySelector("[type=file]").click();
  }

  /** Replace what is on the canvas by an image file, and upload it. */
  async showFile(upload) {
    if (!upload) return;
    const file = { name: upload.name, type: upload.type, message: "Uploading the image …" };
    const uploaded = uploadFile(upload);
    const url = URL.createObjectURL(upload);
    file.image = await decodeImage(url);
    URL.revokeObjectURL(url);
    if (!this.canvas.checkVisibility()) document.querySelector("[role=tab]").click(); // opens the Draw tab
    this.replace({ strokes: [], file });
    Object.assign(file, await uploaded);
    if (this.file() === file) this.sendNow();
  }

  /** Tint the ink that the server found in the image file. */
  async showInk(url) {
    const file = this.file();
    if (!file?.path) return; // the prediction is for something that was on the canvas before
    file.ink = url && (await decodeImage(url));
    this.redraw();
  }

  select(selection) {
    this.selection = selection;
    this.redraw();
  }

  /** The selection in an image of a width and height: left, top, width and height in the same unit. */
  selectedBox(...size) {
    const [[left, right], [top, bottom]] = size.map((length, axis) =>
      this.selection.map((corner) => length * corner[axis]).toSorted((one, other) => one - other),
    );
    return [left, top, right - left, bottom - top];
  }

  /** Replace the image file by the part of it that is selected, as a file of its own. */
  crop() {
    const { image, name, type } = this.file();
    const [left, top, width, height] = this.selectedBox(image.width, image.height).map(Math.round);
    this.select(null);
    if (Math.min(width, height) < Sketchpad.MIN_CROP * Math.max(image.width, image.height)) return;
    const scale = Math.min(1, Sketchpad.MAX_CROP_SIDE / Math.max(width, height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * scale, height * scale];
    canvas.getContext("2d").drawImage(image, left, top, width, height, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => this.showFile(new File([blob], name, { type: blob.type })), type);
  }

  /** Show what the camera sees, or take a photo if it is shown. */
  async camera() {
    const video = this.root.querySelector("video");
    if (this.stream) {
      const photo = document.createElement("canvas");
      [photo.width, photo.height] = [video.videoWidth, video.videoHeight];
      photo.getContext("2d").drawImage(video, 0, 0);
      this.closeCamera();
      photo.toBlob((blob) => this.showFile(new File([blob], "Photo")), "image/jpeg", 0.95);
      return;
    }
    // A phone's rear camera can see the paper.
    const wanted = { video: { facingMode: "environment" } };
    const stream = await navigator.mediaDevices.getUserMedia(wanted).catch(() => null);
    this.setCamera(stream);
    if (!stream) this.sendNow("The camera cannot be used. Allow it for this page, or choose an image file.");
  }

  closeCamera() {
    if (this.stream) this.setCamera(null);
  }

  setCamera(stream) {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = stream;
    const video = this.root.querySelector("video");
    video.srcObject = stream;
    video.hidden = !stream;
    this.root.querySelector("[data-action=camera]").textContent = stream ? "Take photo" : "Camera";
    this.redraw();
  }

  // --- rendering ---

  /** Draw everything again, at most once per frame. */
  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
      if (!side) return; // the tab is hidden
      if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
      const style = getComputedStyle(this.canvas);
      const accent = style.getPropertyValue("--color-accent"); // also where the browser forces its own colours
      const [context, file, isEmpty] = [this.canvas.getContext("2d"), this.file(), this.isEmpty()];
      if (file?.image) this.renderFile(context, side, file, accent);
      else this.render(context, side, style.color);
      this.canvas.ariaLabel = file
        ? `Image ${file.name}. Drag to crop it, or use the arrow keys, also with Shift, and then Enter. Clear to draw.`
        : "Drawing area. Draw a digit, or up to six side by side, with mouse, pen or finger.";
      this.root.querySelector(".tools").classList.toggle("of-image", Boolean(file?.image));
      const hint = this.root.querySelector(".hint");
      hint.textContent = file?.name ?? "Draw a digit,\npick an example,\nor drop an image";
      hint.hidden = !isEmpty && file?.image !== null;
      this.enable("undo", this.actions.length > 0);
      this.enable("redo", this.undone.length > 0);
      this.enable("clear", !isEmpty || this.stream !== null);
    });
  }

  enable(action, enabled) {
    const button = this.root.querySelector(`[data-action=${action}]`);
    // A button that is disabled loses the focus.
    if (!enabled && button === document.activeElement) this.canvas.focus({ preventScroll: true });
    button.disabled = !enabled;
  }

  render(context, side, colour, maxWidth = Infinity) {
    context.clearRect(0, 0, side, side);
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = colour;
    for (const { image, strokes } of this.shown()) {
      if (image) {
        context.imageSmoothingEnabled = false; // each pixel becomes a square
        context.drawImage(this.tint(image, colour), 0, 0, side, side);
      }
      for (const stroke of strokes) this.renderStroke(context, side, stroke, maxWidth);
    }
    context.globalCompositeOperation = "source-over";
  }

  renderStroke(context, side, { erase, width: drawnWidth, points }, maxWidth) {
    const width = erase ? drawnWidth : Math.min(drawnWidth, maxWidth);
    context.globalCompositeOperation = erase ? "destination-out" : "source-over";
    context.lineWidth = width * side;
    context.beginPath();
    if (points.length === 1) {
      context.arc(points[0][0] * side, points[0][1] * side, (width * side) / 2, 0, 2 * Math.PI);
      context.fill();
    } else {
      const scaled = points.map((point) => point.map((value) => value * side));
      context.moveTo(...scaled[0]);
      for (const curve of curvesThrough(scaled)) context.bezierCurveTo(...curve.flat());
      context.stroke();
    }
  }

  /** Draw an image file, what was found as ink in a colour over it, and the part that is being selected. */
  renderFile(context, side, { image, ink }, colour) {
    context.clearRect(0, 0, side, side);
    const [x, y, width, height] = placement(image).map((fraction) => fraction * side);
    context.imageSmoothingEnabled = width < 4 * image.width; // the pixels of a tiny image become squares
    context.drawImage(image, x, y, width, height);
    context.globalAlpha = 0.7;
    if (ink) context.drawImage(this.tint(ink, colour), x, y, width, height);
    context.globalAlpha = 1;
    if (!this.selection) return;
    const [left, top, ...size] = this.selectedBox(width, height);
    const selected = [x + left, y + top, ...size];
    context.beginPath();
    context.rect(x, y, width, height);
    context.rect(...selected);
    context.fillStyle = "rgb(0 0 0 / 50%)";
    context.fill("evenodd"); // all but the selection
    context.strokeStyle = colour;
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeRect(...selected);
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

  /** What the canvas holds, as `send` receives it. */
  value() {
    const file = this.file();
    if (file) return file.path ? { path: file.path } : "";
    const [first, ...others] = this.shown();
    if (first?.url && !others.length) return first.url; // its own pixels, rather than those read from a canvas
    if (this.isEmpty()) return "";
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Sketchpad.SENT_SIDE;
    this.render(canvas.getContext("2d"), Sketchpad.SENT_SIDE, "black", this.maxSentWidth());
    const url = canvas.toDataURL("image/png");
    return this.pointer ? { unfinished: url } : url;
  }

  /**
   * The width of the pen in the image that is sent, at most: for strokes side by side a tenth of their height, as the
   * digits of a number are small, so that a wide pen would close their loops and the gaps between them.
   */
  maxSentWidth() {
    const strokes = this.shown().flatMap((action) => action.strokes.filter(({ erase }) => !erase));
    const ranges = strokes.map(({ points }) => points.map(([x]) => x)).map((x) => [Math.min(...x), Math.max(...x)]);
    ranges.sort(([left], [other]) => left - other);
    let hasGap = false;
    let end = Infinity; // of the strokes so far
    for (const [left, right] of ranges) {
      hasGap ||= left > end;
      end = end === Infinity ? right : Math.max(end, right);
    }
    if (!hasGap) return Infinity;
    const y = strokes.flatMap(({ points }) => points.map((point) => point[1]));
    return Math.max(Sketchpad.MIN_SENT_WIDTH, 0.1 * (Math.max(...y) - Math.min(...y)));
  }

  sendSoon() {
    const wait = this.lastSent + Sketchpad.SEND_INTERVAL - performance.now();
    this.timer ??= setTimeout(() => this.sendNow(), Math.max(0, wait));
  }

  sendNow(message = this.file()?.message) {
    clearTimeout(this.timer);
    this.timer = null;
    this.lastSent = performance.now();
    const value = this.value();
    if (!value || this.file()) document.dispatchEvent(new Event("canvas-cleared"));
    this.send(value, message);
  }
}

const send = (value, message) => {
  props.value = value;
  if (!message) trigger("input");
  else document.dispatchEvent(new CustomEvent("canvas-message", { detail: message })); // prediction_panel.js shows it
};
new Sketchpad(element, send, data);
