"""Tests run on the sample, also where a GPU would make the lessons download the real data."""

import os

os.environ.setdefault("COURSE_DATA", "sample")  # read in this process and in nbval's kernels
