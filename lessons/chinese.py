"""`python lessons/chinese.py NotoSansCJK-Regular.ttc` cuts the book's Chinese characters out of a font.

The book brings them along as `static/chinese.woff2`, so that it reads the same where no Chinese font is. It takes
`pip install fonttools brotli`, and Debian's fonts-noto-cjk.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")


def characters() -> str:
    """Return all Chinese characters that the book can show, in order."""
    pages = [*HERE.glob("*.py"), *HERE.glob("*.md"), *HERE.glob("pages/**/*.md"), *HERE.glob("exercises/**/*.py")]
    pages += HERE.parent.glob("nfedu/**/*.py")
    return "".join(sorted({c for page in pages for c in CHINESE.findall(page.read_text(encoding="utf-8"))}))


if __name__ == "__main__":
    from fontTools import subset

    options = ["--font-number=2", "--flavor=woff2", "--layout-features=", "--desubroutinize"]  # 2: simplified Chinese
    words = (HERE / "static" / "chinese.txt").read_text(encoding="utf-8")
    words = re.sub(r"(?<=^They are: ).*", characters(), words, flags=re.MULTILINE)
    (HERE / "static" / "chinese.txt").write_text(words, encoding="utf-8")
    subset.main([sys.argv[1], f"--text={characters()}", f"--output-file={HERE / 'static' / 'chinese.woff2'}", *options])
