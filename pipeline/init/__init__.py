"""From a folder as people have it to a stages file that runs: `pipeline init`.

`pipeline.cli` imports it. What lies there is looked at (look/), names of files are recognised (names/), then what the
files of each stream hold (streams/); proposal.py puts it together with joining.py (which streams are one recording's),
segments.py and experiment.py, asking.py knows what is still open, show.py and write.py make text of it. recipes/ has
stages files of public data sets, which known.py writes out. Start reading at proposal.py.
"""
