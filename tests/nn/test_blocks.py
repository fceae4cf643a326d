import pytest
import torch
from torch import nn

from unalter.nn.blocks import ResidualBlock, Stage

X = torch.randn(4, 6, 9, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("condition", [0, 5])
@pytest.mark.parametrize("training", [True, False])
def test_a_block_starts_as_the_identity_after_relu(condition, training):
    block = ResidualBlock(6, 6, condition).train(training)
    y = torch.randn(4, condition) if condition else None
    assert torch.equal(block(X, y), X.relu())
    stage = Stage(6, 6, 3, condition).train(training)
    assert torch.equal(stage(X, y), X.relu())


def test_a_block_that_changes_the_channels_starts_as_its_shortcut():
    block = ResidualBlock(6, 8)
    assert torch.equal(block(X), block.shortcut(X).relu())
    assert block(X).shape == (4, 8, 9, 7)


def test_the_residual_connection_goes_around_two_conv_batchnorm_layers():
    block = ResidualBlock(6, 6)
    nn.init.ones_(block.norm2.weight)
    inner = block.norm2(block.conv2(block.norm1(block.conv1(X)).relu()))
    torch.testing.assert_close(block(X), (X + inner).relu())


def test_the_gradient_passes_a_deep_stage_undiminished_at_the_start():
    x = X.abs().requires_grad_()  # positive: relu passes everything
    Stage(6, 6, 20)(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))


def test_the_condition_changes_what_a_trained_block_gives():
    block = ResidualBlock(6, 6, 5)
    nn.init.ones_(block.norm2.weight)
    block.eval()
    y = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(block(X, y), block(X, -y))
