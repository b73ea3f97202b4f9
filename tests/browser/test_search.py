"""The search, from disk."""


def test_a_term_is_found_with_an_excerpt(tab, book):
    errors = []
    tab.on("console", lambda m: m.type == "error" and errors.append(m.text))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto((book / "search.html").as_uri() + "?q=triangular")
    found = tab.locator("#search-results li", has=tab.locator("a[href^='03a_nice.html']"))
    assert "triangular" in found.locator(".context").first.text_content()
    found.locator("a").first.click()
    tab.wait_for_url("**/03a_nice.html*")
    assert "NICE" in tab.title()
    assert not errors
