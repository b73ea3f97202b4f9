// Mark what is wider than its place, so that it scrolls by itself and is within reach of the keyboard.
const scrolling = ".highlight pre, .table-wrapper, .output.text_html"; // MathJax's formulas are within reach already

function fit() {
  for (const formula of document.querySelectorAll(":is(p, li) mjx-container:not(td *)")) {
    formula.classList.remove("wide");
    const place = formula.closest("p, li");
    formula.classList.toggle("wide", formula.offsetWidth > place.clientWidth - 32); // room for the signs around it
  }
  for (const box of document.querySelectorAll(scrolling)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

addEventListener("load", () => window.MathJax?.startup ? MathJax.startup.promise.then(fit) : fit());
addEventListener("resize", fit);
