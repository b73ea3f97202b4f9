"""What can be wrong with a layer or a flow (B13): one table of codes, each with one line and a page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Cause:
    """A kind of mistake."""

    code: str
    group: str
    line: str

    @property
    def page(self) -> str:
        """What it means, the smallest wrong line that makes it, the right line, and how it shows (Markdown)."""
        return (files("nfedu.checks") / "pages" / f"{self.code}.md").read_text(encoding="utf-8")


TABLE = {
    "contract": {
        "raises": "a call raises or does not come back",
        "shape": "a result has another shape, dtype or type than the contract says",
        "nonfinite": "a result is NaN or infinite where it should be a number",
        "input-modified": "a call changes the array that it is given",
        "theta-modified": "a call changes a parameter's value",
        "random": "the same call gives something else each time",
        "stateful": "a result depends on earlier calls",
        "shared-memory": "results of two calls share memory: the second call changes what the first returned",
        "rows-mixed": "a row's result depends on the other rows of the batch",
        "row-position": "a row's result depends on where it stands, or on how many rows there are",
        "unregistered": "parameters() does not return a Parameter that the layer holds",
        "grad-rebound": "a parameter's grad is replaced by another array, not added to",
        "grad-overwritten": "a parameter's gradient is assigned, not accumulated",
        "grad-doubled": "a parameter's gradient is added twice",
        "backward-once": "backward, called a second time, gives something else or raises",
        "backward-nonlinear": "backward is not linear in the gradients that it is given",
    },
    "map": {
        "not-inverse": "z_to_x and x_to_z do not undo each other",
        "inexact": "close to right, not exact: an iteration or a series is cut short",
        "precision": "digits are lost on the way, as in float32",
        "region": "wrong only in a part of the domain: for one sign, in the tails, near 0, in a bin",
        "dimension": "wrong only for some n",
    },
    "log-det": {
        "logdet-missing": "log_det is zero where the map changes volumes",
        "logdet-sign": "log_det has the wrong sign: it is that of the other direction",
        "logdet-factor": "log_det is off by a factor",
        "logdet-constant": "log_det is off by the same amount in every row",
        "logdet-term": "log_det is off by an amount that differs from row to row: a term, or the axis of a sum",
    },
    "structure": {
        "mask": "an output depends on an input that it promises not to depend on",
    },
    "gradient": {
        "sign": "a gradient has the wrong sign",
        "factor": "a gradient is off by a factor",
        "batch-factor": "a gradient is off by the number of rows: a mean for a sum, or a sum for a mean",
        "transposed": "a gradient is multiplied with a matrix where its transpose belongs, or the other way round",
        "permuted": "a gradient's columns are exchanged",
        "output-term": "the part of backward that comes from g_out is wrong or missing",
        "gradient-logdet-term": "the part of backward that comes from g_log_det is wrong or missing",
        "path-missing": "a way from an input or a parameter to the results is missing in backward",
        "no-effect": "a parameter gets a gradient where it has no effect",
        "wrong-term": "a gradient is wrong, in no pattern known here",
    },
    "flow": {
        "seed": "the same seed gives other samples",
        "base-density": "the base's log_prob is no normalized density",
        "base-sampling": "the base's samples do not follow its log_prob",
        "direction": "sample or log_prob takes the wrong direction",
        "score": "score is not the gradient of log_prob, or it changes the flow",
        "nll": "nll is not the mean of −log_prob, or grad not its gradient",
    },
}

CAUSES = {code: Cause(code, group, line) for group, rows in TABLE.items() for code, line in rows.items()}
