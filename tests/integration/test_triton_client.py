"""The public client of Triton Inference Server against a function as deployed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pytest
import tritonclient.http as triton
from deployed import deployed
from drawings import stripes
from PIL import Image
from tritonclient.utils import InferenceServerException

IMAGES = [stripes(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[triton.InferenceServerClient]:
    folder = tmp_path_factory.mktemp("predict")
    environ = {"OCELLUS_DATA_DIR": str(folder / "data")}
    with deployed("predict", environ, folder / "predict.log", "http") as url:
        client = triton.InferenceServerClient(urlsplit(url).netloc, network_timeout=60)
        yield client
        client.close()


def encoded(*, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput("image", [len(IMAGES)], "BYTES")
    tensor.set_data_from_numpy(np.array(IMAGES, np.object_), binary_data=binary)
    return tensor


def drawn(*, binary: bool = True) -> triton.InferInput:
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in IMAGES])
    tensor = triton.InferInput("pixels", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels, binary_data=binary)
    return tensor


def answer(result: triton.InferResult) -> tuple[list[str], npt.NDArray[np.float32]]:
    labels, shares = result.as_numpy("label"), result.as_numpy("probabilities")
    assert np.allclose(shares.max(axis=1), result.as_numpy("probability"))
    return [label if isinstance(label, str) else label.decode() for label in labels], shares


def test_the_server_and_its_model_are_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("ocellus")
    assert client.is_model_ready("ocellus", "v1")
    assert not client.is_model_ready("ocellus", "v2")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    model = client.get_model_metadata("ocellus")
    assert (model["versions"], model["inputs"][0]["datatype"]) == (["v1"], "BYTES")


def test_images_and_pixels_are_answered_alike(client: triton.InferenceServerClient) -> None:
    labels, shares = answer(client.infer("ocellus", [encoded()], request_id="one"))
    assert shares.shape == (3, 10)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    for tensor in (drawn(), drawn(binary=False)):
        same_labels, same_shares = answer(client.infer("ocellus", [tensor], model_version="v1"))
        assert same_labels == labels
        assert np.array_equal(same_shares, shares)


@pytest.mark.parametrize("binary", [True, False])
def test_outputs_come_as_asked_for(client: triton.InferenceServerClient, binary: bool) -> None:
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary)
        for name in ("label", "probability", "probabilities")
    ]
    result = client.infer("ocellus", [encoded()], outputs=wanted, request_id="two")
    assert result.get_response()["id"] == "two"
    expected_labels, expected_shares = answer(client.infer("ocellus", [encoded()]))
    labels, shares = answer(result)
    assert labels == expected_labels
    assert np.allclose(shares, expected_shares)


def test_a_refusal_reaches_the_caller_in_words(client: triton.InferenceServerClient) -> None:
    tensor = triton.InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([b"no image"], np.object_))
    with pytest.raises(InferenceServerException, match="Image 0 of the tensor"):
        client.infer("ocellus", [tensor])
    with pytest.raises(InferenceServerException, match="'other'"):
        client.infer("other", [encoded()])
    with pytest.raises(InferenceServerException, match="v1 is"):
        client.infer("ocellus", [encoded()], model_version="v7")
