"""One figure: a value, its interval, and what it is held against."""

import numpy as np
from numpy.typing import NDArray

Line = dict[str, object]


def share(case: str, right: NDArray[np.bool_], aim: float | None = None) -> Line:
    """A share of right answers, per cent, with Wilson's interval."""
    n, value = len(right), float(np.mean(right))
    low, high = wilson(value, n)
    return line(case, 100 * value, "%", n, 100 * low, 100 * high, aim)


def wilson(value: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of n."""
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return float(middle - half), float(middle + half)


def line(case: str, value: float, unit: str, n: int, low=None, high=None, aim=None, baseline=None) -> Line:
    """One figure, as benchmarks print it."""
    rounded = [None if each is None else round(float(each), 3) for each in (value, low, high, baseline)]
    ratio = None if not baseline else round(value / baseline, 3)
    return {"case": case, "value": rounded[0], "unit": unit, "low": rounded[1], "high": rounded[2], "n": n,
            "baseline": rounded[3], "ratio": ratio, "aim": aim}  # fmt: skip


def text(found: Line) -> str:
    """A figure for people."""
    interval = f" ({found['low']} to {found['high']})" if found["low"] is not None else ""
    extra = f", baseline {found['baseline']}, ratio {found['ratio']}" if found["baseline"] is not None else ""
    aim = f", aim {found['aim']}" if found["aim"] else ""
    return f"{found['case']:<72} {found['value']} {found['unit']}{interval}, n {found['n']}{extra}{aim}"
