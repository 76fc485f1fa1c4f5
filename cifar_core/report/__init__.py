"""Reports on runs: gathered as plain blocks, which each format writes in its own way.

The fields that somebody may write anew are in `fields`, what was written is kept by `edits`,
`document` puts a report together, and `formats` lists the files that it can become.
"""
