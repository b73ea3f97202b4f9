"""Which coordinate goes where, and which of them a layer sees."""
