"""Pictures of one idea each, as a lesson asks for them."""
