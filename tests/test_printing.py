"""What layers and flows show of themselves, and what a flow gives as a sequence of layers."""

import copy
import re

import numpy as np
import pytest

import nfedu
from tests.registry import CASES, IDS, built

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("entry", "n"), CASES, ids=IDS)
def test_every_layer_shows_what_it_was_made_of(entry, n):
    text = repr(built(entry, n))
    assert "object at" not in text
    assert "\n" not in text
    assert text.startswith(f"{type(built(entry, n)).__name__}(")


def test_a_layer_shows_the_arguments_that_are_not_its_defaults():
    assert repr(nfedu.AffineCoupling(4, (8,), flip=True, rng=RNG)) == "AffineCoupling(n=4, hidden=(8,), flip=True)"
    assert repr(nfedu.Affine(3, [1, 2, -3], 0.5)) == "Affine(n=3, s=[1, 2, -3], t=0.5, unit=[1, 2, 3])"
    assert repr(nfedu.Permute([2, 0, 1])) == "Permute(permutation=[2, 0, 1])"
    assert repr(nfedu.Inverse(nfedu.Exp(2))) == "Inverse(bijection=Exp(n=2))"
    assert repr(nfedu.MintUnit((1, 4, 4), 3, rng=RNG)) == "MintUnit(shape=(1, 4, 4), filters=3)"
    assert repr(nfedu.StandardLogistic(2)) == "StandardLogistic(n=2)"
    rounds = eval(repr(nfedu.AffineCoupling(4, mask=[True, False] * 2, bound=None, rng=RNG)), {"AffineCoupling": dict})
    assert rounds == {"n": 4, "mask": [True, False] * 2, "bound": None}


def test_a_flow_prints_its_layers_as_a_table():
    maf = nfedu.MaskedAutoregressive(4, (8,), rng=RNG)
    iaf = nfedu.InverseAutoregressive(4, (8,), rng=RNG)
    mint = nfedu.MintUnit((1, 2, 2), 2, rng=RNG)
    flow = nfedu.Flow(nfedu.StandardNormal(4), [nfedu.Rescale(4), maf, iaf, mint])
    first, *lines = str(flow).split("\n")
    assert first == repr(flow) == f"Flow(StandardNormal, n = 4, 4 layers, {flow.theta.size} parameters)"
    assert lines[0].split() == ["layer", "n", "parameters", "z→x", "x→z"]
    takes = [("one pass", "one pass"), ("4 steps", "one pass"), ("one pass", "4 steps"), ("iteration", "one pass")]
    for k, (line, words) in enumerate(zip(lines[1:], takes, strict=True)):
        count = sum(p.value.size for p in flow[k].parameters().values())
        call = repr(flow[k])
        cells = [str(k), call if len(call) <= 60 else call[:59] + "…", "4", str(count), *words]
        assert re.fullmatch(" *" + r" +".join(map(re.escape, cells)), line), line
    whole = nfedu.FactorOut(5, [nfedu.Rescale(4), *copy.deepcopy([mint, iaf])])
    assert whole.directions == ("iteration", "4 steps")


def test_a_flow_is_a_sequence_of_layers():
    layers = [nfedu.Rescale(2), nfedu.Shift(2), nfedu.Reverse(2)]
    flow = nfedu.Flow(nfedu.StandardNormal(2), layers)
    assert len(flow) == 3
    assert flow[0] is layers[0]
    assert flow[-1] is layers[2]
    assert list(flow) == layers
    assert flow[1:] == layers[1:]
    with pytest.raises(IndexError):
        flow[3]
