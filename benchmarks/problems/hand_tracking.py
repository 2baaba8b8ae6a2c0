"""ADBench: hand tracking, "simple": the Jacobian of a skinned mesh by 26 angles and translations.

The hand is drawn at random, with the numbers of bones, vertices and matched points of ADBench's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Derivative, Problem, Variables

FINGERS, JOINTS = 5, 4


def turn(xp: Any, angles: Any) -> Any:
    """Return the rotation by three angles, about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = xp.cos(angles), xp.sin(angles)
    return xp.stack(
        (
            xp.stack((cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz)),
            xp.stack((cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz)),
            xp.stack((-sy, sx * cy, cx * cy)),
        )
    )


def errors(xp: Any, x: Variables, data: Data) -> Any:
    """Return the distances of the matched points from the posed mesh, of shape (3, points)."""
    rests, shifts = data["rests"], data["shifts"]
    rotations, origins = [rests[0]], [shifts[0]]
    zero = xp.zeros_like(x[0])
    for finger in range(FINGERS):
        parent = 0
        bend = x[6 + 4 * finger : 10 + 4 * finger]
        for joint in range(JOINTS):
            bone = 1 + JOINTS * finger + joint
            # The first joint of a finger bends and spreads, the next two only bend, and its tip is stiff.
            if joint == 0:
                local = rests[bone] @ turn(xp, xp.stack((bend[0], zero, bend[1])))
            elif joint < 3:
                local = rests[bone] @ turn(xp, xp.stack((bend[1 + joint], zero, zero)))
            else:
                local = rests[bone]
            rotations.append(rotations[parent] @ local)
            origins.append(rotations[parent] @ shifts[bone] + origins[parent])
            parent = bone
    posed = xp.stack(rotations) @ data["vertices"] + xp.stack(origins)[:, :, None]
    skin = xp.sum(data["weights"][:, None, :] * posed, axis=0)
    return data["points"] - (turn(xp, x[:3]) @ skin + x[3:6, None])


def hand(rng: np.random.Generator, vertices: int, points: int) -> tuple[Variables, Data]:
    bones = 1 + FINGERS * JOINTS
    weights = rng.uniform(0.0, 1.0, (bones, vertices)) ** 8
    matched = rng.integers(0, vertices, points)
    near = rng.standard_normal((bones, 3, vertices))
    data = {
        "rests": np.linalg.qr(rng.standard_normal((bones, 3, 3)))[0],
        "shifts": rng.standard_normal((bones, 3)),
        # Only the matched vertices count, so the others are left out from the start.
        "vertices": near[:, :, matched],
        "weights": (weights / weights.sum(axis=0))[:, matched],
        "points": rng.standard_normal((3, points)),
    }
    return 0.3 * rng.standard_normal(6 + 4 * FINGERS), data


PROBLEMS = (
    Problem(
        name="hand tracking, Jacobian 300 x 26",
        overhead_bound=False,
        function=errors,
        make=hand,
        size={"vertices": 544, "points": 100},
        small={"vertices": 6, "points": 3},
        derivative=Derivative.JACOBIAN,
    ),
)
