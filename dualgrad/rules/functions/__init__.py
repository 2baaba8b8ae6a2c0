"""Numerical functions made of others: polynomials, interpolation, Fourier transforms, fits."""
