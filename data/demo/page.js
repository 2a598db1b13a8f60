// The page at work: a photograph in, the classes of its pixels out. No framework, no request.
// `packed` holds what data/demo/build.py put into the page: the runtime, the networks and drawings.

const $ = (id) => document.getElementById(id);
const packed = JSON.parse($("packed").textContent);
const LONG = 1024; // pixels: a longer side is made this long first, as `unet_helpers.segment` does
const MOST = 16e6; // pixels: what a telephone's canvas holds
let network, photograph, answer, latest = 0;

function decoded(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at); // millions: no callback
  return bytes;
}

async function unpacked(base64) {
  const stream = new Blob([decoded(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function runtime() {
  const code = new Blob([await unpacked(packed.runtime)], { type: "text/javascript" });
  const ort = await import(URL.createObjectURL(code));
  ort.env.wasm.numThreads = 1; // more of them need a server that allows it
  ort.env.wasm.wasmBinary = await unpacked(packed.wasm);
  return ort;
}

function say(text, fault = false) {
  $("said").textContent = text;
  $("said").classList.toggle("fault", fault);
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Bilinear resizing as tf.image.resize does it: from centre to centre, without smoothing. `take`
// gets each new row with its number, so that no whole picture of floats is ever held.
function resize({ values, width, height, channels }, newWidth, newHeight, take) {
  const along = (size, newSize) => Array.from({ length: newSize }, (_, n) => {
    const place = (n + 0.5) * size / newSize - 0.5;
    const low = Math.floor(place);
    return [Math.max(low, 0), Math.min(low + 1, size - 1), place - low];
  });
  const columns = along(width, newWidth);
  const row = new Float32Array(newWidth * channels);
  along(height, newHeight).forEach(([top, bottom, down], y) => {
    for (let x = 0, at = 0; x < newWidth; x++) {
      const [left, right, over] = columns[x];
      for (let c = 0; c < channels; c++, at++) {
        const pixel = (line, column) => values[(line * width + column) * channels + c];
        const above = pixel(top, left) + (pixel(top, right) - pixel(top, left)) * over;
        const below = pixel(bottom, left) + (pixel(bottom, right) - pixel(bottom, left)) * over;
        row[at] = above + (below - above) * down;
      }
    }
    take(row, y);
  });
}

// Browsers open half a file as a picture with a grey rest. A whole one has its end: behind the last
// segment of a JPEG, in the last chunk of a PNG. What may follow, a film of a telephone's, is none.
function isCut(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    for (let at = 2; at + 1 < bytes.length;) {
      const [first, mark] = bytes.subarray(at, at + 2);
      if (first === 0xff && mark === 0xd9) return false;
      if (first !== 0xff || mark === 0xff) at += 1; // pixels, or filling
      else if (mark === 0 || (mark >= 0xd0 && mark <= 0xd7)) at += 2; // pixels too
      else at += 2 + 256 * bytes[at + 2] + bytes[at + 3]; // a segment that says how long it is
    }
    return true;
  }
  const view = new DataView(bytes.buffer), isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  for (let at = 8; isPng && at + 12 <= bytes.length; at += 12 + view.getUint32(at))
    if (view.getUint32(at + 4) === 0x49454e44) return false; // IEND
  return isPng;
}

// Pixels of a picture, scaled to fit: on white, as a transparent one has no other ground.
function drawn(source, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height);
}

async function open(blob, name) {
  const mine = ++latest;
  closed();
  say(`Reading ${name} …`);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let bitmap;
  try {
    if (isCut(bytes)) throw new Error("its end is missing");
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }); // turned as EXIF says
  } catch (error) {
    const why = !bytes.length ? "it is empty" : isCut(bytes) ? error.message : "this browser reads no picture in it";
    if (mine === latest) say(`${name} cannot be opened: ${why}. Choose a JPEG, PNG or WebP.`, true);
    return;
  }
  if (mine !== latest) return bitmap.close(); // a newer picture has come meanwhile
  const share = Math.min(1, Math.sqrt(MOST / (bitmap.width * bitmap.height)));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * share)));
  photograph = { name, share, pixels: drawn(bitmap, width, height) };
  const less = Math.min(1, LONG / Math.max(width, height));
  const [small, low] = [width, height].map((side) => Math.max(1, Math.round(side * less)));
  photograph.seen = less < 1 ? drawn(bitmap, small, low) : photograph.pixels;
  bitmap.close();
  await ask();
}

function forget() {
  answer = undefined;
  for (const id of ["mask", "cutout"]) $(id).disabled = true;
}

async function ask() {
  forget();
  const { data, width, height } = photograph.seen;
  const { size, classes } = network;
  const input = new Float32Array(size * size * 3);
  resize({ values: data, width, height, channels: 4 }, size, size, (row, y) => {
    for (let x = 0; x < size; x++) input.set(row.subarray(4 * x, 4 * x + 3), 3 * (y * size + x));
  });
  const asked = network, of = photograph;
  const ort = await ready;
  asked.session ??= unpacked(asked.onnx).then((bytes) => ort.InferenceSession.create(bytes));
  asked.session.catch(() => { asked.session = undefined; }); // so that the next picture tries again
  const session = await asked.session, start = performance.now();
  const feed = { [session.inputNames[0]]: new ort.Tensor("float32", input, [1, size, size, 3]) };
  const logits = (await session.run(feed))[session.outputNames[0]].data;
  if (asked !== network || of !== photograph) return; // another was chosen meanwhile
  answer = { logits, channels: classes.length, milliseconds: performance.now() - start };
  for (const id of ["mask", "cutout"]) $(id).disabled = false;
  tell();
}

// The class of each pixel at some size. A background's logit is moved by the threshold's, so that
// at 0.5 the highest logit wins, and with two classes the threshold is the probability that the
// other one needs.
function classify({ width, height }) {
  const { logits, channels } = answer;
  const threshold = Number($("threshold").value);
  const shift = Math.log(threshold / (1 - threshold));
  const found = new Uint8Array(width * height);
  resize({ values: logits, width: network.size, height: network.size, channels }, width, height, (row, y) => {
    for (let x = 0; x < width; x++) {
      let best = -Infinity;
      for (let c = 0; c < channels; c++) {
        const logit = row[x * channels + c] + (c === network.background ? shift : 0);
        if (logit > best) [best, found[y * width + x]] = [logit, c];
      }
    }
  });
  return found;
}

const ticked = () => [...$("classes").querySelectorAll("input")].map((box) => box.checked);

// Draws the answer on the photograph, or, while the slider moves, on a smaller one.
function show({ width, height, data } = photograph.pixels) {
  const found = classify({ width, height }), wanted = ticked();
  const colours = network.colours.map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  const painted = new ImageData(new Uint8ClampedArray(data), width, height);
  const thick = Math.max(1, Math.round(Math.max(width, height) / 300));
  const counts = new Array(network.classes.length).fill(0);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const own = found[at];
      counts[own]++;
      if (!wanted[own]) continue;
      const edge = (x >= thick && found[at - thick] !== own) || (y >= thick && found[at - thick * width] !== own) ||
        (x + thick < width && found[at + thick] !== own) || (y + thick < height && found[at + thick * width] !== own);
      const much = edge ? 1 : 0.45;
      for (let c = 0; c < 3; c++) painted.data[4 * at + c] += (colours[own][c] - data[4 * at + c]) * much;
    }
  }
  Object.assign($("picture"), { width, height }).getContext("2d").putImageData(painted, 0, 0);
  const shares = counts.map((count) => `${(100 * count / found.length).toFixed(1)} %`);
  [...$("classes").querySelectorAll("b")].forEach((place, n) => { place.textContent = shares[n]; });
  return network.classes.map((name, n) => [name, n]).filter(([, n]) => n !== network.background)
    .map(([name, n]) => `${name} ${shares[n]}`).join(", ");
}

function tell() {
  const told = show();
  const { width, height } = photograph.pixels;
  $("picture").setAttribute("aria-label", `${photograph.name}: ${told}`);
  const smaller = photograph.share < 1 ? ` It is too large for this page and was reduced to ${width} × ${height}.` : "";
  say(`${photograph.name}, ${width} × ${height} pixels: ${told}. Answered in ${answer.milliseconds.toFixed(0)} ms.${smaller}`);
}

function select(next) {
  network = next;
  forget();
  $("networks").querySelectorAll("input")[packed.networks.indexOf(next)].checked = true;
  $("about").textContent = next.about;
  $("classes").replaceChildren(...next.classes.map((name, n) => {
    const swatch = element("i", { ariaHidden: "true" });
    swatch.style.background = next.colours[n];
    const box = element("input", { type: "checkbox", checked: n !== next.background, onchange: () => answer && show() });
    return element("div", {}, element("label", {}, box, swatch, name), element("b"));
  }));
}

async function save(kind) {
  const { name, pixels: { width, height, data } } = photograph, wanted = ticked();
  const image = new ImageData(new Uint8ClampedArray(data), width, height);
  const whole = new Uint32Array(image.data.buffer); // a pixel each: alpha, blue, green, red
  classify(photograph.pixels).forEach((own, at) => {
    if (kind === "mask") whole[at] = wanted[own] ? 0xffffffff : 0xff000000;
    else if (!wanted[own]) whole[at] = 0;
  });
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  const address = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
  element("a", { href: address, download: `${name.replace(/\.[^.]*$/, "")}_${kind}.png` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

async function camera() {
  $("open").disabled = $("shoot").disabled = true;
  try {
    if (!navigator.mediaDevices) throw new Error("this browser gives pages like this one none");
    $("film").srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    $("camera").hidden = false;
    await $("film").play();
    $("shoot").disabled = false;
    $("shoot").focus();
  } catch (error) {
    closed();
    const reasons = { NotAllowedError: "it was not allowed", NotFoundError: "none was found", NotReadableError: "it is in use" };
    say(`No picture from a camera: ${reasons[error.name] ?? error.message}. Choose a photograph instead.`, true);
  }
}

function closed() {
  $("film").srcObject?.getTracks().forEach((track) => track.stop());
  $("film").srcObject = null;
  $("camera").hidden = true;
  $("open").disabled = false;
}

async function shoot() {
  const canvas = new OffscreenCanvas($("film").videoWidth, $("film").videoHeight);
  canvas.getContext("2d").drawImage($("film"), 0, 0);
  closed();
  $("open").focus();
  await open(await canvas.convertToBlob({ type: "image/png" }), "camera");
}

// Whatever fails is said: the page never just stands still.
const tried = (work) => async (...given) => {
  try { await work(...given); } catch (error) { say(`That did not work: ${error.message}`, true); }
};
const opened = tried(async (file) => {
  if (file) await open(file, file.name);
  else say("There is no picture in what you gave.", true);
});

$("controls").onsubmit = () => false;
$("file").onchange = ({ target }) => { if (target.files.length) opened(target.files[0]); target.value = ""; };
$("open").onclick = tried(camera);
$("shoot").onclick = tried(shoot);
$("close").onclick = () => { closed(); $("open").focus(); };
for (const kind of ["mask", "cutout"]) $(kind).onclick = tried(() => save(kind));
let waiting; // of many movements of the slider, the last before a picture is drawn counts
$("threshold").oninput = ({ target }) => {
  $("level").textContent = Number(target.value).toFixed(2);
  waiting ??= requestAnimationFrame(tried(() => { waiting = undefined; if (answer) show(photograph.seen); }));
};
$("threshold").onchange = tried(() => { if (answer) tell(); });
document.onpaste = ({ clipboardData }) => opened(clipboardData.files[0]);
document.ondragover = (event) => { event.preventDefault(); $("stage").classList.add("drop"); };
document.ondragleave = () => $("stage").classList.remove("drop");
document.ondrop = (event) => { event.preventDefault(); document.ondragleave(); opened(event.dataTransfer.files[0]); };

const ready = runtime();
await tried(async () => {
  $("networks").append(...packed.networks.map((each) => {
    const chosen = tried(async () => { select(each); if (photograph) await ask(); });
    return element("label", {}, element("input", { type: "radio", name: "network", onchange: chosen }), each.name);
  }));
  for (const each of packed.networks)
    for (const [name, address] of each.drawings) {
      const button = element("button", { type: "button" }, element("img", { src: address, alt: `Drawing: ${name}` }));
      button.onclick = tried(async () => {
        if (network !== each) select(each);
        await open(new Blob([decoded(address.split(",")[1])]), name);
      });
      $("drawings").append(button);
    }
  select(packed.networks[0]);
  await ready;
  if (!latest && network === packed.networks[0]) $("drawings").querySelector("button")?.click();
})();
