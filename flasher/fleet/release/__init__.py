"""Releases: what nodes take over a network, as plain files signed as The Update Framework has it.

A repository is a folder that any static server or stick can carry. `place` says where it and its
keys lie, `state` reads it, `draft` and `compose` prepare a release, `signing` makes its metadata,
`publish` puts it in force, `copies` carries it elsewhere, `plan` changes how it is rolled out,
`prune` takes out what no node needs any more.
"""
