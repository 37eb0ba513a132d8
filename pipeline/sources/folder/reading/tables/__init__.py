"""Tables: text of any dialect, Parquet, Excel. Start reading at text.py."""
