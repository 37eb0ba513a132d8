"""MiniRocket (Dempster, Schmidt and Webb, KDD 2021): fixed convolutions of series, and a ridge head that is solved."""
