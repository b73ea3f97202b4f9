"""Numbers that judge: derivatives, Jacobians, units, and what rounding does to them."""
