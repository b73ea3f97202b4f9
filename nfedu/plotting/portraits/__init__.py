"""One picture of anybody's layer: its map, its density, its Jacobian beside its gradient's."""
