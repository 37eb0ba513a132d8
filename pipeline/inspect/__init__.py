"""Looking at a dataset before anything is made of it, and at one recording as a model sees it: text and pictures.

Imported by pipeline.cli. `opened` reads the stages file and lists its source, `source` looks at all of its recordings,
`recording` at one; `drawing` is what both draw with. Nothing is written but the picture that was asked for.
"""
