"""What a wrong number usually means: the pattern of an error, as a cause of the table and as words."""
