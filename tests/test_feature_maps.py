import threading

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mnist_cnn.feature_maps import feature_maps, first_layer_filters
from mnist_cnn.model_summary import receptive_fields, summarize
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.preprocessing import normalize, sketch_to_mnist
from tests.support.digits import DIGITS
from tests.support.handwriting import render

IMAGE = sketch_to_mnist(render(DIGITS[8]))


def random_model(name):
    """A model with random weights whose batch norms have running statistics, so that they do more than copy."""
    model = build_model(name, seed=0)
    with torch.no_grad():
        model(normalize(torch.randint(0, 256, (64, 28, 28), dtype=torch.uint8)))
    return model.eval()


def test_feature_maps_are_the_outputs_of_the_batch_norms():
    model = random_model("net-25k")
    with torch.no_grad():
        x = normalize(torch.tensor(IMAGE)[None])
        expected = []
        for layers in (("conv1", "pool1", "bn1"), ("conv2", "bn2"), ("conv3", "pool2", "bn3"), ("conv4", "bn4")):
            for layer in layers:
                x = getattr(model, layer)(x)
            expected.append(x[0].numpy())
            x = F.hardswish(x)
        expected.append(model.bn5(model.conv5(x))[0].numpy())
    maps = feature_maps(model, IMAGE)
    assert len(maps) == len(expected)
    for found, layer in zip(maps, expected, strict=True):
        assert found == pytest.approx(layer, abs=1e-4)


def test_feature_maps_are_taken_before_an_in_place_activation():
    maps = feature_maps(random_model("net-8k"), IMAGE)
    assert [layer.shape for layer in maps] == [(16, 28, 28), (24, 28, 28), (16, 14, 14), (24, 14, 14)]
    assert all((layer < 0).any() for layer in maps)


@pytest.mark.parametrize("name", MODELS)
def test_model_stays_as_it_was(name):
    model = random_model(name).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    feature_maps(model, IMAGE)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_feature_maps_of_concurrent_threads_are_not_mixed_up():
    model = random_model("net-25k")
    images = {digit: sketch_to_mnist(render(strokes)) for digit, strokes in DIGITS.items()}
    expected = {digit: feature_maps(model, image) for digit, image in images.items()}
    found = {}
    threads = [
        threading.Thread(target=lambda digit=digit: found.update({digit: feature_maps(model, images[digit])}))
        for digit in images
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for digit in images:
        assert all(np.array_equal(a, b) for a, b in zip(found[digit], expected[digit], strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_cells_depend_on_the_pixels_of_their_receptive_field(name):
    model = random_model(name)
    fields = receptive_fields(summarize(model))
    # A max pool depends on the largest value alone, which differs from image to image.
    images = torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)).requires_grad_()
    layers = []
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda module, inputs, output: layers.append(output.clone()))
    model(images)
    assert len(fields) == len(layers)
    for (size, stride, start), layer in zip(fields, layers, strict=True):
        for cell in (0, layer.shape[2] // 2):
            (gradient,) = torch.autograd.grad(layer[:, :, cell, cell].sum(), images, retain_graph=True)
            rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
            first = start + cell * stride
            assert (rows.min(), rows.max()) == (max(0, first), min(28, first + size) - 1)


@pytest.mark.parametrize(("name", "shape"), [("net-8k", (16, 3, 3)), ("net-25k", (16, 5, 5))])
def test_first_layer_filters_are_a_copy(name, shape):
    model = build_model(name, 0)
    filters = first_layer_filters(model)
    assert filters.shape == shape
    assert (filters == model.conv1.weight.detach().numpy()[:, 0]).all()
    filters[:] = 7
    assert not (model.conv1.weight == 7).any()
