"""BlazePose as an encoder against the landmark model that it starts from."""

import cv2
import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.pose_encoder import PoseEncoder, load_pose_weights
from deocclude.people.model_files import model_path


@pytest.fixture(scope="module")
def model():
    try:
        return model_path("pose_landmark")
    except DeoccludeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def encoder(model):
    encoder = PoseEncoder()
    load_pose_weights(encoder, model)
    return encoder.eval()


@pytest.fixture(scope="module")
def photo():
    data = pytest.importorskip("skimage.data")
    return cv2.resize(data.astronaut(), (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def test_features_equal_those_inside_the_landmark_model(model, encoder, photo):
    interpreter = Interpreter(str(model), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo[None])
    interpreter.invoke()
    inside: dict[tuple[int, ...], list[np.ndarray]] = {}
    for detail in interpreter.get_tensor_details():
        shape = tuple(int(n) for n in detail["shape"])
        if len(shape) == 4 and shape[0] == 1 and detail["name"].split(";")[0].rpartition("/")[0]:
            try:
                inside.setdefault(shape, []).append(interpreter.get_tensor(detail["index"]))
            except ValueError:  # a tensor that no run fills
                continue
    with torch.no_grad():
        trunk, pyramid = encoder.features(torch.from_numpy(photo).permute(2, 0, 1)[None])
    for feature in (*trunk, pyramid):
        ours = feature.permute(0, 2, 3, 1).numpy()
        differences = [np.abs(ours - theirs).max() for theirs in inside[ours.shape]]
        assert min(differences) < 1e-5 * np.abs(ours).max(), ours.shape


def test_levels_have_the_promised_widths_and_unit_variance(encoder, photo):
    image = torch.from_numpy(photo).permute(2, 0, 1)[None]
    encoder.train()
    with torch.no_grad():
        levels = encoder(image)
    encoder.eval()
    for level, width, cells in zip(levels, encoder.widths, (64, 32, 16, 8), strict=True):
        assert level.shape == (1, width, cells, cells)
        assert level.var(dim=(0, 2, 3)).median().item() == pytest.approx(1.0, rel=0.05)
