"""Reports on runs: composed of plain blocks, which each format writes in its own way.

The fields that a person can edit are in `fields`, `edits` keeps the edited texts, `document`
composes a report, and `formats` lists the file formats.
"""
