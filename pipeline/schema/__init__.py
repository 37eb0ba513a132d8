"""A JSON Schema of the stages file, for editors' completion; made of the types that read it.

Imported by the command line alone; imports stagesfile and registry. Start at `stages_file_schema` in stages_file.py.
"""
