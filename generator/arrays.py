"""The types of the arrays that rows are computed in."""

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]

# Whole numbers kept as floats, which are exact up to 2^53: one draw is the input of the next, and
# converting in between would cost as much as a step of the draw.
WholeFloats = NDArray[np.float64]
