"""Arrays: NumPy's files, MATLAB's, HDF5, and what their axes are. Start reading at array_file.py."""
