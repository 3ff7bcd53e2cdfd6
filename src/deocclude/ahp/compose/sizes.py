"""How large a cut-out would look beside a person: rough everyday sizes of COCO's categories."""

from __future__ import annotations

PERSON_METRES = 1.7
_METRES = {
    "person": PERSON_METRES, "bicycle": 1.7, "car": 4.3, "motorcycle": 2.1, "airplane": 35.0, "bus": 11.0,
    "train": 20.0, "truck": 7.0, "boat": 5.0, "traffic light": 0.9, "fire hydrant": 0.8, "stop sign": 0.75,
    "parking meter": 1.4, "bench": 1.6, "bird": 0.3, "cat": 0.5, "dog": 0.8, "horse": 2.3, "sheep": 1.2,
    "cow": 2.3, "elephant": 5.0, "bear": 1.8, "zebra": 2.2, "giraffe": 4.5, "backpack": 0.5, "umbrella": 1.0,
    "handbag": 0.35, "tie": 0.5, "suitcase": 0.65, "frisbee": 0.27, "skis": 1.7, "snowboard": 1.5,
    "sports ball": 0.22, "kite": 1.2, "baseball bat": 0.85, "baseball glove": 0.3, "skateboard": 0.8,
    "surfboard": 2.0, "tennis racket": 0.7, "bottle": 0.28, "wine glass": 0.2, "cup": 0.11, "fork": 0.2,
    "knife": 0.22, "spoon": 0.2, "bowl": 0.2, "banana": 0.19, "apple": 0.08, "sandwich": 0.18, "orange": 0.08,
    "broccoli": 0.18, "carrot": 0.18, "hot dog": 0.18, "pizza": 0.32, "donut": 0.1, "cake": 0.25,
    "chair": 0.95, "couch": 2.0, "potted plant": 0.6, "bed": 2.1, "dining table": 1.5, "toilet": 0.75,
    "tv": 1.0, "laptop": 0.35, "mouse": 0.11, "remote": 0.18, "keyboard": 0.44, "cell phone": 0.15,
    "microwave": 0.5, "oven": 0.85, "toaster": 0.3, "sink": 0.55, "refrigerator": 1.75, "book": 0.24,
    "clock": 0.3, "vase": 0.3, "scissors": 0.2, "teddy bear": 0.4, "hair drier": 0.25, "toothbrush": 0.19,
}  # fmt: skip
"""Long side in metres: a place to begin, which the editor corrects."""


def natural_scale(category: str, longest: int, body: int) -> float | None:
    """The scale at which a cut-out is as far away as the person; None for a category of unknown size.

    longest: long side of the cut-out in its own pixels. body: long side of the person's box in the photo's.
    """
    metres = _METRES.get(category)
    return None if metres is None else metres / PERSON_METRES * body / longest
