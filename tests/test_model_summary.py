"""The table of layers, against the modules' own numbers and against gradients."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mnist_cnn.model_summary import summarize
from mnist_cnn.models import MODELS, build_model

models = pytest.mark.parametrize("name", MODELS)


@pytest.fixture
def model(name):
    return build_model(name, seed=0).eval()


@pytest.mark.parametrize(("name", "num_parameters"), [("net-8k", 8530), ("net-25k", 23930)])
def test_parameters_are_those_of_the_model(model, num_parameters):
    assert sum(layer.num_parameters for layer in summarize(model)) == num_parameters


@models
def test_layers_are_in_order_with_the_shapes_of_their_outputs(model):
    layers, shapes = summarize(model), []
    for layer in layers:
        model.get_submodule(layer.name).register_forward_hook(
            lambda module, inputs, output, name=layer.name: shapes.append((name, tuple(output.shape[1:])))
        )
    model(torch.zeros(2, 1, 28, 28))
    assert [(layer.name, layer.output_shape) for layer in layers] == shapes


@models
def test_multiply_adds_of_convolutions_are_half_of_pytorchs_operations(model):
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 28, 28))
    convolutions = [layer.multiply_adds for layer in summarize(model) if layer.kind == "Conv2d"]
    assert sum(convolutions) == counter.get_total_flops() / 2


@models
def test_receptive_fields_are_where_the_gradient_is_not_zero(model):
    """Of the centre of each layer's output for a large image, through mean pools, which pass it to all of a window."""
    layers = summarize(model)
    model = copy.deepcopy(model)
    for layer in layers:
        if layer.kind == "MaxPool2d":
            pool = model.get_submodule(layer.name)
            setattr(model, layer.name, nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding))
    outputs = {}
    for layer in layers:
        model.get_submodule(layer.name).register_forward_hook(
            lambda module, inputs, output, name=layer.name: outputs.update({name: output.clone()})
        )
    images = torch.randn(8, 1, 112, 112, requires_grad=True)  # several, since a ReLU may stop the gradient of one
    model(images)
    for layer in layers:
        if layer.kind == "AdaptiveAvgPool2d":  # its window is all of the image, however large
            continue
        output = outputs[layer.name]
        centre = output[:, :, output.shape[2] // 2, output.shape[3] // 2].abs().sum()
        (gradient,) = torch.autograd.grad(centre, images, retain_graph=True)
        rows, columns = (gradient != 0).flatten(0, 1).any(0).nonzero().T
        extent = (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1)
        assert extent == (layer.receptive_field.size, layer.receptive_field.size), layer.name
