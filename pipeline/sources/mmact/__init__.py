"""MMAct (Kong et al., ICCV 2019): 35 actions, 20 subjects, four cameras, a smartphone and a smartwatch."""
