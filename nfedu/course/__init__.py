"""What the lessons are held by: claims and figures, what the notes state, the ledger of both, and exercises."""
