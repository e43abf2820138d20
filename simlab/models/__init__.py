"""The mathematics of the models, without sampling, in vectorised NumPy."""
