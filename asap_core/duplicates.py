"""Images that are copies of one another, exactly or nearly, share a group.

Near: 64-bit perceptual hashes (signs of the lowest frequencies of a small grey picture) find the candidates,
the small pictures themselves decide. Pictures with hardly any contrast have a hash of noise: only exact
copies of them are grouped.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SIDE = 16  # of the small grey picture, pixels
BITS, BAND = 64, 16  # of a hash; two hashes are compared if one of their four bands agrees
NEAR = 12  # bits in which the hashes of near-duplicates may differ
CONTRAST = 6.0  # standard deviation, grey levels of 255, below which a picture counts as flat
DIFFERENCE = 0.25  # of near-duplicates, as a share of the lower contrast; other pairs begin to pass at 0.3
WINDOW = 64  # how many neighbours in sorted order a hash is compared with


def group(digests: Sequence[bytes], greys: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number the groups in order of first appearance, (n,); pictures are (n, SIDE, SIDE)."""
    contents = np.array([digest.hex() for digest in digests], dtype="U64")
    _, first, copy = np.unique(contents, return_index=True, return_inverse=True)
    pictures = greys[first]  # one of each content
    labels = np.arange(len(first))
    rows = np.flatnonzero(contrast(pictures) >= CONTRAST)
    for a, b in candidates(hashes(pictures[rows])):
        new = labels[rows[a]] != labels[rows[b]]
        a, b = rows[a[new]], rows[b[new]]
        same = alike(pictures[a], pictures[b])
        labels = _joined(labels, a[same], b[same])
    return _in_order(labels[copy])


def _joined(labels: NDArray, a: NDArray, b: NDArray) -> NDArray:
    """The labels after those of rows `a` and rows `b` became one, pair by pair."""
    if not len(a):
        return labels
    shape = (len(labels), len(labels))
    links = coo_array((np.ones(len(a)), (labels[a], labels[b])), shape=shape)
    return connected_components(links, directed=False)[1][labels]


def _in_order(labels: NDArray) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return first.argsort().argsort()[inverse].astype(np.int64)


def contrast(greys: NDArray) -> NDArray[np.float32]:
    """Standard deviation of each picture, (n,), grey levels of 255."""
    return greys.reshape(-1, SIDE * SIDE).std(axis=1, dtype=np.float32)


def hashes(greys: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Signs of the 64 lowest frequencies but the mean, (n,), the lowest in the highest bit."""
    waves = np.cos(np.pi / SIDE * np.outer(np.arange(SIDE), np.arange(SIDE) + 0.5)).astype(np.float32)
    u, v = np.indices((SIDE, SIDE)).reshape(2, -1)
    lowest = np.argsort(u * u + v * v, kind="stable")[1 : BITS + 1]
    numbers = np.empty(len(greys), np.uint64)
    for start in range(0, len(greys), 4096):
        block = greys[start : start + 4096].astype(np.float32)
        spectra = (waves @ block @ waves.T).reshape(len(block), -1)  # (b, SIDE * SIDE), a cosine transform
        bits = np.ascontiguousarray(np.packbits(spectra[:, lowest] > 0, axis=1))  # (b, 8)
        numbers[start : start + len(block)] = bits.view(">u8")[:, 0]
    return numbers


def candidates(numbers: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Batches (p,), (p,) of hashes at most NEAR bits apart that agree in a band; a pair may come again.

    Each band in turn is rotated to the front and the hashes are sorted: equals in the band lie together, and
    each is compared with the WINDOW next. So 200,000 hashes cost 51 million comparisons, however crowded.
    """
    for shift in range(0, BITS, BAND):
        turned = (numbers << np.uint64(shift)) | (numbers >> np.uint64((BITS - shift) % BITS))
        order = np.argsort(turned, kind="stable")
        turned = turned[order]
        band = turned >> np.uint64(BITS - BAND)
        for step in range(1, min(WINDOW, len(numbers) - 1) + 1):
            at = np.flatnonzero(band[step:] == band[:-step])
            if not len(at):
                break
            at = at[np.bitwise_count(turned[at] ^ turned[at + step]) <= NEAR]
            yield order[at], order[at + step]


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the pictures of two stacks, (p, SIDE, SIDE), nearly agree, (p,)."""
    verdicts = np.empty(len(one), bool)
    for start in range(0, len(one), 4096):
        a, b = one[start : start + 4096], other[start : start + 4096]
        apart = contrast(a.astype(np.int16) - b)  # whatever their brightness
        verdicts[start : start + len(a)] = apart <= DIFFERENCE * np.minimum(contrast(a), contrast(b))
    return verdicts
