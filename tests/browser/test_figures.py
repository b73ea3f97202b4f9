"""Figures: a click or a key opens one large; a slider changes its picture, and without JavaScript a picture stands."""

import pytest

from tests.browser.visit import PATIENCE


def test_a_figure_opens_by_mouse_and_by_key(tab, book):
    page = (book / "03a_nice.html").as_uri()
    for act in ("click", "Enter"):
        tab.goto(page)
        link = tab.locator("a.image-reference").first
        target = link.evaluate("a => a.href")
        link.click() if act == "click" else link.press(act)
        tab.wait_for_url(target)
        assert tab.evaluate("document.images[0].naturalWidth") > 600


@pytest.fixture(scope="module")
def sliders(book):
    """The pages with sliders, and how many each has."""
    counts = {page: page.read_text("utf-8").count('<figure class="slider"') for page in sorted(book.glob("*.html"))}
    return {page: count for page, count in counts.items() if count}


def test_every_slider_changes_its_picture_by_mouse_and_key(tab, sliders):
    if not sliders:
        pytest.skip("the book has no slider")
    for page, count in sliders.items():
        tab.goto(page.as_uri())
        assert tab.locator("figure.slider").count() == count
        for k in range(count):
            figure = tab.locator("figure.slider").nth(k)
            picture, knob = figure.locator("img"), figure.locator("input[type=range]")
            knob.press("Home")
            tab.wait_for_load_state("networkidle")
            first = picture.screenshot()
            knob.press("ArrowRight")
            second = picture.screenshot()
            knob.press("End")
            last = picture.screenshot()
            knob.click(position={"x": 2, "y": knob.bounding_box()["height"] / 2})
            assert first != second, f"slider {k} of {page.name} does not hear the arrow key"
            assert last != picture.screenshot(), f"slider {k} of {page.name} does not hear the mouse"
    print(f"{sum(sliders.values())} sliders on {len(sliders)} pages")


def test_without_javascript_every_slider_is_a_picture(browser, sliders):
    if not sliders:
        pytest.skip("the book has no slider")
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    for page, count in sliders.items():
        tab.goto(page.as_uri())
        for figure in tab.locator("figure.slider").all():
            assert figure.locator("img").evaluate("image => image.naturalWidth") > 300
            assert not figure.locator("input").is_visible()
        assert tab.locator("figure.slider").count() == count
    context.close()
