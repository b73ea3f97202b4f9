"""Maps of each coordinate by itself: the Jacobian is diagonal."""
