"""A file for every verb of the command line, callable from Python."""
