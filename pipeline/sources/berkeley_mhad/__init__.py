"""Berkeley-MHAD (Ofli et al., WACV 2013): 11 actions, 12 subjects, 5 repetitions, accelerometers and cameras."""
