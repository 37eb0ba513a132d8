"""What the files of one stream hold: columns, clock, units, joints. Start at describe.py."""
