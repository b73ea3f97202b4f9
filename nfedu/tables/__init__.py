"""The user's own data: read, described column by column, and learned, so that every sample is one that could be.

data = tables.read("people.csv", drop=["name"])
learned = tables.learn(data, positive=["income"], interval={"rate": (0, 1)}, whole=["visits"])
print(learned.verdict())  # beside a Gaussian and a kernel density estimate
learned.model.save("people.model.npz")
new, log_p = learned.model.sample(1000, rng), learned.model.log_prob(data)
"""

from nfedu.tables.columns import Column
from nfedu.tables.describing import describe
from nfedu.tables.learning import Learned, learn
from nfedu.tables.model import TableModel
from nfedu.tables.reading import Data, as_data, read
from nfedu.tables.table import Table

__all__ = ["Column", "Data", "Learned", "Table", "TableModel", "as_data", "describe", "learn", "read"]
