"""Rung 1, θ: `parameters()` returns all of it, and a call leaves it as it is."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.contents import all_parameters
from nfedu.checks.subject.subject import Subject


def check_registered(report: Report, layer: object, subject: Subject) -> None:
    """Add: `parameters()` returns every Parameter that the layer holds, in lists, dicts and nested objects too."""
    returned = {id(p) for p in subject.parameters.values()}
    forgotten = [path for path, p in all_parameters(layer) if id(p) not in returned and p.value.size]
    words = f"parameters() does not return {', '.join(forgotten[:4])}: it would not be learned"
    where = subject.place("parameters")
    report.add(1, "parameters", len(forgotten), 0, "unregistered", words, where=where)


class Theta:
    """The parameters' values before a call, to be compared with those after it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.before = {name: (p.value, np.array(p.value)) for name, p in subject.parameters.items()}

    def check(self, report: Report, quantity: str, where: str) -> bool:
        """Add whether θ is untouched; put it back if not."""
        changed = self.restore()
        words = f"the call changes {', '.join(changed)}: only an optimizer may"
        return report.add(1, f"{quantity}: θ untouched", len(changed), 0, "theta-modified", words, where=where)

    def restore(self) -> list[str]:
        """Put back the values that were changed, and return their names."""
        changed = [k for k, p in self.subject.parameters.items() if not self._same(p.value, *self.before[k])]
        for name in changed:
            home, value = self.before[name]
            home[...] = value
            self.subject.parameters[name].value = home
        return changed

    @staticmethod
    def _same(now: Array, home: Array, value: Array) -> bool:
        return now is home and np.array_equal(now, value, equal_nan=True)
