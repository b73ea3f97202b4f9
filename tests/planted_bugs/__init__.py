"""Layers and flows with one mistake each: a folder for a group of causes, a file for a cause, a class for a mistake."""
