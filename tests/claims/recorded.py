"""Run a lesson whose claims are recorded, not raised: `python recorded.py RECORD LESSON [--quick]`.

A line of RECORD is a claim, [statement, whether it holds], in JSON. Nothing is written of figures.
"""

import json
import runpy
import sys

from matplotlib import pyplot as plt

from nfedu.course.lesson import ClaimFailedError, Lesson

claim = Lesson.claim
record, sys.argv = sys.argv[1], sys.argv[2:]


def recorded(self, tag, statement, *numbers, **named):
    """Claim, and write down how it went."""
    try:
        claim(self, tag, statement, *numbers, **named)
        holds = True
    except ClaimFailedError:
        holds = False
    with open(record, "a") as lines:
        print(json.dumps([statement, holds]), file=lines)


Lesson.claim = recorded
Lesson.show = Lesson.animate = Lesson.slide = lambda self, figure, *_, **__: plt.close(figure)
runpy.run_path(sys.argv[0], run_name="__main__")
