// A figure that the reader moves: its range chooses which picture of the strip stands in place of the static one.
// Without this script the static picture and its caption are there, and the range is hidden.

function slider(figure) {
  const picture = figure.querySelector("img");
  const panel = figure.querySelector(".panel");
  const range = figure.querySelector("input");
  const word = figure.querySelector("output");
  const words = JSON.parse(figure.dataset.values);
  const strip = new Image();

  function show() {
    const k = range.valueAsNumber;
    word.textContent = words[k];
    range.setAttribute("aria-valuetext", words[k]);
    if (!strip.complete || !strip.naturalWidth) return;
    // The pictures stand one below the other: the first at 0 %, the last at 100 %.
    picture.style.aspectRatio = `${strip.naturalWidth} / ${strip.naturalHeight / words.length}`;
    picture.style.objectFit = "cover";
    picture.style.objectPosition = `0 ${(100 * k) / (words.length - 1)}%`;
    if (picture.src !== strip.src) picture.src = strip.src;
  }

  function load() {
    if (!strip.src) strip.src = figure.dataset.strip;
  }

  strip.addEventListener("load", show);
  range.addEventListener("input", () => { load(); show(); });
  for (const near of ["pointerenter", "focusin", "touchstart"]) figure.addEventListener(near, load, { passive: true });
  range.value = range.defaultValue; // a browser may have kept another from the last visit, but the picture is this one
  panel.hidden = false;
  show();
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("figure.slider").forEach(slider));
