"""MintNet: masked convolutions whose Jacobian is triangular, inverted by iteration (N23)."""
