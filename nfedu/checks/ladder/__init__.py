"""The ladder of a layer: who climbs its rungs, at which points, with which parameters and in which dimensions."""
