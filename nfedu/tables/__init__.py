"""The user's own data: read, described column by column, and learned, so that every sample is one that could be."""

from nfedu.tables.columns import Column
from nfedu.tables.describing import describe
from nfedu.tables.learning import Learned, learn
from nfedu.tables.model import TableModel
from nfedu.tables.reading import Data, as_data, read
from nfedu.tables.table import Table

__all__ = ["Column", "Data", "Learned", "Table", "TableModel", "as_data", "describe", "learn", "read"]
