"""Where to look at a layer: points in several regions, parameters at two settings, each only where it allows them."""
