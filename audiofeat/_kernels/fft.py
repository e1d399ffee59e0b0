"""Real Fourier transforms of overlapping frames, a lane to a frame.

The n_fft samples of a frame are n_fft / 2 complex points (n_fft, if it is odd, with imaginary parts of 0). The
points are dealt out to four shorter transforms, or one, each done in place while it lies in the nearest cache;
`join` makes the bins from what they leave, without a trip of the whole through memory in between.
"""

from typing import Any

from numpy.typing import NDArray

from audiofeat._kernels import kernel
from audiofeat._kernels.arguments import COMPLEX, MAGNITUDE, Plan, Scratch
from audiofeat._kernels.butterflies import (
    alarmed,
    butterfly_2,
    butterfly_3,
    butterfly_4,
    butterfly_5,
    join_4,
    magnitude,
    squared,
    stage_4,
    times,
    untangle,
    windowed,
)
from audiofeat._kernels.memory import (
    load,
    load_complex,
    store,
    store_complex,
    store_interleaved,
    transpose_tile,
    width,
    zeros,
)

Array = NDArray[Any]


@kernel
def gather(y: Array, start: int, n_hops: int, plan: Plan, scratch: Scratch) -> None:
    """Transpose hops of `y` from sample `start` on; `y` is 0 before its beginning and beyond its end."""
    n = width(y)
    hop, n_rows, n_cols = plan.hop_length, plan.n_rows, plan.n_cols
    for h in range(0, n_hops, n):
        source, at, stride = y, start + h * hop, hop
        if at >= len(y) or at + (n - 1) * hop + n_rows <= 0:
            for s in range(n_rows):
                store(scratch.hops, s * n_cols + h, zeros(y))
            continue
        if at < 0 or at + (n - 1) * hop + n_rows > len(y):
            for i in range(n):
                first = at + i * hop
                if first >= 0 and first + n_rows <= len(y):
                    for s in range(0, n_rows, n):
                        store(scratch.edge, i * n_rows + s, load(y, first + s))
                else:
                    for s in range(n_rows):
                        scratch.edge[i * n_rows + s] = y[first + s] if 0 <= first + s < len(y) else 0.0
            source, at, stride = scratch.edge_seen, 0, n_rows
        for s in range(0, n_rows, n):
            transpose_tile(source, at + s, stride, scratch.hops, s * n_cols + h, n_cols)


@kernel
def point(hops: Array, places: Array, window: Array, i: int, lane: int) -> Any:
    """Return the complex point of which value i of `places` is the first sample; the one kernel that returns."""
    real, imag = load(hops, places[i] + lane), load(hops, places[i + 1] + lane)
    return windowed(real, imag, window[i], window[i + 1])


@kernel
def transform(hops: Array, lane: int, plan: Plan, window: Array, work: Array) -> None:
    """Do the shorter transforms of the frames from `lane` on, their samples lying where the plan has its places.

    Decimation in time (Cooley and Tukey 1965): a stage joins the transforms of `radix` neighbouring parts of a
    block. Samples are loaded in the order that leaves the results in theirs.
    """
    n = width(work)
    places, radices, twiddles = plan.places, plan.radices, plan.twiddles
    first = radices[0] if len(radices) > 0 else 1
    fused = first == 4 or first == 5
    for r in range(plan.split):
        base = 2 * n * plan.n_points * r
        i = 2 * plan.n_points * r
        if first == 4:  # the first stage, straight from the samples; its factors are 1
            for at in range(base, base + 2 * n * plan.n_points, 8 * n):
                a, b, c, d = butterfly_4(
                    point(hops, places, window, i, lane),
                    point(hops, places, window, i + 2, lane),
                    point(hops, places, window, i + 4, lane),
                    point(hops, places, window, i + 6, lane),
                )
                store_complex(work, at, a)
                store_complex(work, at + 2 * n, b)
                store_complex(work, at + 4 * n, c)
                store_complex(work, at + 6 * n, d)
                i += 8
        elif first == 5:
            for at in range(base, base + 2 * n * plan.n_points, 10 * n):
                a, b, c, d, e = butterfly_5(
                    point(hops, places, window, i, lane),
                    point(hops, places, window, i + 2, lane),
                    point(hops, places, window, i + 4, lane),
                    point(hops, places, window, i + 6, lane),
                    point(hops, places, window, i + 8, lane),
                )
                store_complex(work, at, a)
                store_complex(work, at + 2 * n, b)
                store_complex(work, at + 4 * n, c)
                store_complex(work, at + 6 * n, d)
                store_complex(work, at + 8 * n, e)
                i += 10
        else:
            for at in range(base, base + 2 * n * plan.n_points, 2 * n):
                store_complex(work, at, point(hops, places, window, i, lane))
                i += 2
        for end in range(plan.leaf, plan.n_points + 1, plan.leaf):
            size, turn = 1, 0
            for stage in range(len(radices)):
                radix = radices[stage]
                part, size = size, size * radix
                if (stage > 0 or not fused) and end % size == 0:
                    step = 2 * n * part
                    for block in range(end - max(plan.leaf, size), end, size):
                        w = turn
                        for at in range(base + 2 * n * block, base + 2 * n * (block + part), 2 * n):
                            if radix == 4:
                                a, b = load_complex(work, at), load_complex(work, at + step)
                                c, d = load_complex(work, at + 2 * step), load_complex(work, at + 3 * step)
                                if w > turn:
                                    a, b, c, d = stage_4(a, b, c, d, twiddles[w], twiddles[w + 1], twiddles[w + 2])
                                else:  # the first factors are 1
                                    a, b, c, d = butterfly_4(a, b, c, d)
                                store_complex(work, at, a)
                                store_complex(work, at + step, b)
                                store_complex(work, at + 2 * step, c)
                                store_complex(work, at + 3 * step, d)
                            elif radix == 2:
                                b = times(load_complex(work, at + step), twiddles[w])
                                a, b = butterfly_2(load_complex(work, at), b)
                                store_complex(work, at, a)
                                store_complex(work, at + step, b)
                            elif radix == 3:
                                b = times(load_complex(work, at + step), twiddles[w])
                                c = times(load_complex(work, at + 2 * step), twiddles[w + 1])
                                a, b, c = butterfly_3(load_complex(work, at), b, c)
                                store_complex(work, at, a)
                                store_complex(work, at + step, b)
                                store_complex(work, at + 2 * step, c)
                            else:
                                b = times(load_complex(work, at + step), twiddles[w])
                                c = times(load_complex(work, at + 2 * step), twiddles[w + 1])
                                d = times(load_complex(work, at + 3 * step), twiddles[w + 2])
                                e = times(load_complex(work, at + 4 * step), twiddles[w + 3])
                                a, b, c, d, e = butterfly_5(load_complex(work, at), b, c, d, e)
                                store_complex(work, at, a)
                                store_complex(work, at + step, b)
                                store_complex(work, at + 2 * step, c)
                                store_complex(work, at + 3 * step, d)
                                store_complex(work, at + 4 * step, e)
                            w += radix - 1
                turn += (radix - 1) * part


@kernel
def join(work: Array, plan: Plan, kind: int, alarm: Array, to: int, stride: int, out: Array) -> None:
    """Write the bins, or their magnitudes or powers: bin k from value ``to + k * stride`` of `out` on.

    A sample that is not finite makes bin 0 so, whatever its weight, and that is noted in `alarm`.
    """
    n = width(work)
    n_points, joins = plan.n_points, plan.joins
    if plan.split == 1:
        for k in range(n_points // 2 + 1):
            near = to + k * stride
            far = to + (n_points - k) * stride
            mirrored = load_complex(work, 2 * n * (n_points - k if k else 0))
            x, image = untangle(load_complex(work, 2 * n * k), mirrored, joins[k])
            if k == 0:
                store(alarm, 0, alarmed(load(alarm, 0), x))
            both = n_points - k < plan.n_bins  # of an odd number of samples, images are beyond the last bin
            if kind == COMPLEX:
                store_interleaved(out, near, x)
                if both:
                    store_interleaved(out, far, image)
            elif kind == MAGNITUDE:
                store(out, near, magnitude(x))
                if both:
                    store(out, far, magnitude(image))
            else:
                store(out, near, squared(x))
                if both:
                    store(out, far, squared(image))
        return
    step = 2 * n * n_points
    ahead = n_points * stride
    for k in range(n_points // 2 + 1):
        i = 10 * k
        at = 2 * n * k
        a0, a1, a2, a3 = join_4(
            load_complex(work, at),
            load_complex(work, at + step),
            load_complex(work, at + 2 * step),
            load_complex(work, at + 3 * step),
            joins[i],
            joins[i + 1],
            joins[i + 2],
        )
        at = 2 * n * (n_points - k if k else 0)
        b0, b1, b2, b3 = join_4(
            load_complex(work, at),
            load_complex(work, at + step),
            load_complex(work, at + 2 * step),
            load_complex(work, at + 3 * step),
            joins[i + 3],
            joins[i + 4],
            joins[i + 5],
        )
        x0, y0 = untangle(a0, b3, joins[i + 6])
        x1, y1 = untangle(a1, b2, joins[i + 7])
        x2, y2 = untangle(a2, b1, joins[i + 8])
        x3, y3 = untangle(a3, b0, joins[i + 9])
        if k == 0:
            store(alarm, 0, alarmed(load(alarm, 0), x0))
        near = to + k * stride
        far = to + (4 * n_points - k) * stride
        if kind == COMPLEX:
            store_interleaved(out, near, x0)
            store_interleaved(out, near + ahead, x1)
            store_interleaved(out, near + 2 * ahead, x2)
            store_interleaved(out, near + 3 * ahead, x3)
            store_interleaved(out, far, y0)
            store_interleaved(out, far - ahead, y1)
            store_interleaved(out, far - 2 * ahead, y2)
            store_interleaved(out, far - 3 * ahead, y3)
        elif kind == MAGNITUDE:
            store(out, near, magnitude(x0))
            store(out, near + ahead, magnitude(x1))
            store(out, near + 2 * ahead, magnitude(x2))
            store(out, near + 3 * ahead, magnitude(x3))
            store(out, far, magnitude(y0))
            store(out, far - ahead, magnitude(y1))
            store(out, far - 2 * ahead, magnitude(y2))
            store(out, far - 3 * ahead, magnitude(y3))
        else:
            store(out, near, squared(x0))
            store(out, near + ahead, squared(x1))
            store(out, near + 2 * ahead, squared(x2))
            store(out, near + 3 * ahead, squared(x3))
            store(out, far, squared(y0))
            store(out, far - ahead, squared(y1))
            store(out, far - 2 * ahead, squared(y2))
            store(out, far - 3 * ahead, squared(y3))
