"""The drawing code behind the sample data sets: textures, pets and fires.

Everything here needs NumPy and Pillow only and is driven by one `numpy.random.Generator`,
so the same seed draws the same picture.
"""
