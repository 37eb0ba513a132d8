"""TRN: the temporal relation network (ECCV 2018), VSKD's teacher."""
