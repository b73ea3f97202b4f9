import numpy as np
import nfedu
from my_layer import Fan

rng = np.random.default_rng(0)
x = rng.standard_normal((4000, 2))
x[:, 1] = x[:, 0] ** 2 / 2 + 0.3 * x[:, 1]
fan = Fan(2)
flow = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), fan])
nfedu.fit_lbfgs(flow, x)
print(f"b = {fan.b.value[0]:.2f}, a = {fan.a.value[0]:.2f}: {flow.nll(x):.2f} nats per point")
