"""What float32 loses in deep or steep stacks is said, with its size; what it does not lose is not."""

import re
import warnings

import numpy as np
import pytest

import nfedu
from nfedu.precision import PrecisionWarning


def stack(layers, weight, bound=2.0):
    rng = np.random.default_rng(0)
    flow = nfedu.Flow(
        nfedu.StandardNormal(4),
        [
            nfedu.AffineCoupling(4, (16,), flip=bool(m % 2), bound=bound, activation="tanh", rng=rng)
            for m in range(layers)
        ],
    )
    for name, p in flow.parameters().items():
        if ".W" in name:
            p.value *= weight
    return flow


def said(caught, before):
    return float(re.search(rf"{before} (\S+e\S+)", str(caught[0].message))[1])


def test_a_steep_stack_says_how_far_its_densities_are_off():
    flow = stack(12, 8.0, bound=4.0)
    with pytest.warns(PrecisionWarning, match="use flow.astype") as caught:
        single = flow.astype(np.float32)
    x = flow.sample(8, np.random.default_rng(5))
    off = abs(single.log_prob(x) - flow.log_prob(x)).max()
    assert off > 0.01
    assert off / 30 < said(caught, "log p by") < 30 * off


def test_an_ordinary_stack_is_not_accused():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single = stack(12, 1.0).astype(np.float32)
        x = np.random.default_rng(0).standard_normal((100, 4))
        nfedu.fit(single, x, rng=np.random.default_rng(0), epochs=2, progress=False)


def test_a_float32_flow_is_judged_after_training():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single = stack(12, 8.0).astype(np.float32)
    x = np.random.default_rng(0).standard_normal((100, 4))
    with np.errstate(all="ignore"), pytest.warns(PrecisionWarning):
        nfedu.fit(single, x, rng=np.random.default_rng(0), epochs=1, optimizer=nfedu.SGD(1e-12), progress=False)


@pytest.mark.parametrize(("growth", "loses"), [(1, False), (2, False), (6, True), (8, True)])
def test_mint_net_says_how_far_its_inverse_is_off(growth, loses):
    flow = nfedu.Flow(nfedu.StandardNormal(64), nfedu.MintLayer((1, 8, 8), rng=np.random.default_rng(0)), np.float32)
    for name, p in flow.parameters().items():
        if ".K" in name:
            p.value *= growth
    z = np.random.default_rng(1).standard_normal((8, 64)).astype(np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = flow.z_to_x(z)[0]
    assert bool(caught) == loses
    exact = flow.astype(np.float64).z_to_x(z)[0]
    off = abs(x - exact).max() / max(1, abs(exact).max())
    assert (off > 1.2e-4) == loses
    if loses:
        assert said(caught, "off by") == pytest.approx(off, rel=0.1)
