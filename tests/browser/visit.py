"""What can be wrong with a page of the book, found by opening it from disk in a browser.

`survey` opens pages one after another in one tab and returns their faults by kind: {"alt": ["index.html: …"], …}.
"""

from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

WIDTHS = [320, 390, 768, 1152, 1366, 1440, 1920, 2560]
PATIENCE = 180_000  # milliseconds, for a machine that does much else
KINDS = ["request", "script", "tex", "reference", "width", "alt", "axe"]

READY = "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready }"
LINKS = "() => [...document.querySelectorAll('a[href]')].map(a => a.href)"
IDS = "() => [...document.querySelectorAll('[id], a[name]')].map(e => e.id || e.name)"
NAMELESS = "() => [...document.images].filter(i => !i.alt.trim()).map(i => i.src)"
RAW_TEX = r"""() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  const skip = "pre, code, script, style, noscript, textarea, mjx-container";
  for (let text; (text = walker.nextNode());)
    if (/\$|\\[a-zA-Z([]/.test(text.data) && !text.parentElement.closest(skip)) found.push(text.data.slice(0, 80));
  const errors = document.querySelectorAll("mjx-assistive-mml :is(merror, [mathcolor=red])");
  for (const error of errors) found.push("MathJax: " + error.textContent.slice(0, 80));
  return found;
}"""
UNRESOLVED = r"""() => {
  const text = document.querySelector("article")?.cloneNode(true);
  if (!text) return [];
  const bad = [...text.querySelectorAll(".problematic, .system-message")].map(e => e.textContent);
  text.querySelectorAll("pre, code, script, style").forEach(e => e.remove());
  return [...bad, ...(text.textContent.match(/\]\(\S+?\)|\{(ref|doc|eq|numref|py:\w+)\}|\?\?|%%/g) ?? [])];
}"""
TOO_WIDE = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame); // the page's scripts have resized
  const width = document.documentElement.clientWidth;
  const scrolls = e => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const name = e => e.tagName.toLowerCase() + (e.id && "#" + e.id) + [...e.classList].map(c => "." + c).join("");
  const page = document.scrollingElement.scrollWidth;
  const found = page > width ? [`the page is ${page} px wide`] : [];
  for (const e of document.querySelectorAll("article *:not(pre *, mjx-container *)")) {
    const box = e.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !scrolls(e.parentElement)) found.push(`${name(e)} ends at ${box.right}`);
  }
  for (const tag of document.querySelectorAll(".eqno")) {
    const formula = tag.parentElement.querySelector("mjx-container");
    if (formula && formula.getBoundingClientRect().right > tag.getBoundingClientRect().left + 1)
      found.push(`${tag.firstChild.data} stands over its equation`);
  }
  return found.slice(0, 3);
}"""

REMOVE_ALIKE = """() => {
  document.querySelectorAll("mjx-container").forEach(e => e.remove());
  const seen = new Set();
  for (const e of document.querySelectorAll("article :is(span, p):not(a *)")) {
    if (e.childElementCount || e.id) continue;
    let looks = "";
    for (let up = e; up.tagName !== "ARTICLE"; up = up.parentElement) looks += up.tagName + "." + up.className + ">";
    if (seen.has(looks)) e.remove();
    seen.add(looks);
  }
}"""
JUDGE = """async (rules) => {
  const found = await axe.run({resultTypes: ["violations"], preload: false, ...rules && {runOnly: rules}});
  return found.violations.filter(v => ["serious", "critical"].includes(v.impact))
    .map(v => [v.id, v.help, v.nodes.length, v.nodes.slice(0, 3).map(n => n.html.slice(0, 150)).join(" ")]);
}"""


def survey(browser, pages: list[Path], widths: list[int]) -> dict[str, list[str]]:
    """Return all faults of some pages by kind: each is loaded once, resized, and judged in the dark too."""
    from axe_playwright_python.sync_playwright import Axe

    faults: dict[str, list[str]] = defaultdict(list)
    links, ids = {}, {}
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    at = [""]

    def note(kind: str, what: str) -> None:
        faults[kind].append(f"{at[0]}: {what}")

    tab.on("requestfailed", lambda r: note("request", f"{r.url} failed: {r.failure}"))
    tab.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or note("request", f"{r.url} is remote"))
    tab.on("console", lambda m: m.type == "error" and note("script", m.text))
    tab.on("pageerror", lambda error: note("script", str(error)))
    for page in pages:
        at[0] = page.name
        tab.emulate_media(color_scheme="light")
        tab.goto(page.as_uri())
        tab.evaluate(READY)
        links[page], ids[page] = tab.evaluate(LINKS), set(tab.evaluate(IDS))
        for kind, script in [("tex", RAW_TEX), ("reference", UNRESOLVED), ("alt", NAMELESS)]:
            for what in tab.evaluate(script):
                note(kind, what)
        for width in widths:
            tab.set_viewport_size({"width": width, "height": 900})
            for what in tab.evaluate(TOO_WIDE):
                note("width", f"at {width} px {what}")
        tab.set_viewport_size({"width": 1366, "height": 900})
        tab.evaluate(REMOVE_ALIKE)
        tab.evaluate(Axe().axe_script)
        for violation in violations(tab):
            note("axe", violation)
        tab.emulate_media(color_scheme="dark")
        for violation in violations(tab, ["color-contrast"]):
            note("axe", f"in the dark {violation}")
    context.close()
    faults["reference"] += broken(links, ids)
    return faults


def violations(tab, rules: list[str] | None = None) -> list[str]:
    """Return axe-core's serious and critical violations of some rules, or of all.

    Of words that look alike one is left on the page by then, and no formula, or else axe would take minutes.
    """
    found = tab.evaluate(JUDGE, rules)
    return [f"{rule}: {help}; {count} times, first {first}" for rule, help, count, first in found]


def broken(links: dict[Path, list[str]], ids: dict[Path, set[str]]) -> list[str]:
    """Return the links to files that are not there, and to places that their page does not have."""
    faults = []
    for page, targets in links.items():
        for url in dict.fromkeys(targets):
            address, place = urldefrag(url)
            if urlparse(address).scheme != "file":
                continue
            file = Path(unquote(urlparse(address).path))
            known = ids.get(file)
            if not file.is_file() or (place and known is not None and unquote(place) not in known):
                faults.append(f"{page.name}: no {url.removeprefix(page.parent.as_uri() + '/')}")
    return faults
