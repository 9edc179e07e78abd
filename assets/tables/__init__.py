"""The apps' own tables in D1: shown in the graph, written by the apps."""
