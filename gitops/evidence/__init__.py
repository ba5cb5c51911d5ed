"""The inputs of a plan, saved so that anybody can make the same plan again: a bug report is a file."""
