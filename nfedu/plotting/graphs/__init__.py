"""Programs and networks as graphs: what depends on what."""
