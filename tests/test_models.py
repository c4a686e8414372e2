import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_cnn.models import MODELS, build_model, count_parameters, model_name

NET_8K = """\
Net8k(
  (conv1): Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (bn1): BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (dropout1): Dropout(p=0.03, inplace=False)
  (conv2): Conv2d(16, 24, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (bn2): BatchNorm2d(24, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (dropout2): Dropout(p=0.03, inplace=False)
  (pool1): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
  (conv_res): Conv2d(24, 24, kernel_size=(1, 1), stride=(1, 1))
  (conv3): Conv2d(24, 16, kernel_size=(1, 1), stride=(1, 1))
  (bn3): BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (conv4): Conv2d(16, 24, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (bn4): BatchNorm2d(24, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (dropout3): Dropout(p=0.03, inplace=False)
  (pool2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
  (conv5): Conv2d(24, 10, kernel_size=(1, 1), stride=(1, 1))
  (gap): AdaptiveAvgPool2d(output_size=1)
)"""


def test_net_8k_is_the_reference_model():
    model = build_model("net-8k")
    assert count_parameters(model) == 8_530
    assert str(model).replace("bias=True, ", "") == NET_8K  # newer PyTorch prints the bias of norms


def test_net_25k_has_fewer_than_25000_parameters():
    model = build_model("net-25k")
    assert count_parameters(model) == 23_930
    kinds = [type(layer) for layer in model.modules()]
    assert kinds.count(nn.Conv2d) == 6  # five and the 1×1 head
    assert kinds.count(nn.BatchNorm2d) == 5
    assert kinds.count(nn.MaxPool2d) == 2
    assert nn.Dropout in kinds


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_logits_are_the_means_of_the_class_activation_maps(name, memory_format):
    model = build_model(name, seed=1).to(memory_format=memory_format).eval()
    x = torch.randn(3, 1, 28, 28)
    maps = model.class_activation_maps(x)
    assert maps.shape == (3, 10, 7, 7)
    torch.testing.assert_close(model(x), maps.mean((2, 3)))


def plain_net_8k(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The reference model layer by layer, without dropout."""
    x = F.relu(model.bn1(model.conv1(x)))
    x = model.pool1(F.relu(model.bn2(model.conv2(x))))
    y = F.relu(model.bn4(model.conv4(F.relu(model.bn3(model.conv3(x))))))
    return model.conv5(model.pool2(y + model.conv_res(x))).mean((2, 3))


@pytest.mark.parametrize("training", [False, True])
def test_net_8k_equals_its_layers_in_sequence(training):
    x = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    weights = torch.randn(8, 10, generator=torch.Generator().manual_seed(1))
    outcomes = []
    for forward in (lambda model: model(x), lambda model: plain_net_8k(model, x)):
        model = build_model("net-8k", seed=2).train(training)
        for layer in model.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        logits = forward(model)
        (logits * weights).sum().backward()
        outcomes.append([logits, *(p.grad for p in model.parameters()), model.bn2.running_mean, model.bn2.running_var])
    for ours, plain in zip(*outcomes, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-3, atol=2e-4)


def test_dropout_clears_its_fraction_at_random_and_keeps_the_mean():
    model = build_model("net-8k", seed=0).train()
    inputs = []
    model.conv2.register_forward_pre_hook(lambda layer, arguments: inputs.append(arguments[0].detach()))
    x = torch.randn(1, 1, 28, 28).expand(400, -1, -1, -1)  # 400 times the same image: only dropout tells them apart
    model(x)
    features = inputs[0]  # (400, 16, 28, 28)
    alive = features.amax(0) > 0.1
    dropped = (features == 0)[:, alive].float()
    assert abs(dropped.mean() - 0.03) < 0.001
    assert dropped.mean(0).max() < 0.1  # 0.03 ± 0.0085 where positions are independent
    neighbours = dropped[:, :-1] * dropped[:, 1:]
    assert abs(neighbours.mean() - 0.03**2) < 0.0003
    kept = features.sum(0)[alive] / (features != 0).sum(0)[alive]
    model.dropout1.p = 0.0
    model(x)
    torch.testing.assert_close(kept * 0.97, inputs[1].mean(0)[alive], rtol=1e-3, atol=1e-3)


def test_seed_determines_weights_and_keeps_the_global_random_state():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = build_model("net-25k", seed=3)
    assert torch.equal(torch.rand(1), expected)
    second, other = build_model("net-25k", seed=3), build_model("net-25k", seed=4)
    assert torch.equal(first.conv3.weight, second.conv3.weight)
    assert not torch.equal(first.conv3.weight, other.conv3.weight)


@pytest.mark.parametrize("name", MODELS)
def test_model_name_is_its_key(name):
    assert model_name(build_model(name)) == name


def test_unknown_model_is_rejected():
    with pytest.raises(ValueError, match=r"Unknown model 'net-9'\. Available: net-8k, net-25k"):
        build_model("net-9")
