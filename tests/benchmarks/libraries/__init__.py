"""The same work in several libraries: each module's `build(work, rng)` returns a call to be timed, which blocks."""
