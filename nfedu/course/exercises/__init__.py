"""Exercises with a judge: handed out as files with blanks, handed in, run apart, and judged by numbers."""
