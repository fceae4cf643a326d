import pytest
import torch
from torch import nn

from unalter.alter import Flip, KeyedDraws, Rotate, fold_in
from unalter.nn import Architecture, Autoencoder, negative_elbo, pose_error, widths_for
from unalter.nn.architecture import coarse_size

KINDS = {"ae": {}, "vae": {"variational": True}, "cvae": {"variational": True, "classes": 4}}
KINDS["posed cvae"] = {**KINDS["cvae"], "pose": True}
KINDS["posed obedient cvae"] = {**KINDS["posed cvae"], "obedient": True}
SIZES = {"28x28": (1, 28, 28), "30x27": (1, 30, 27), "8x8": (1, 8, 8), "colour": (3, 10, 13)}
LATENT = 12

every_kind = pytest.mark.parametrize("kind", KINDS)
every_size = pytest.mark.parametrize("size", SIZES)


def build(kind: str, size: str, seed: int = 0, **changes) -> Autoencoder:
    channels, height, width = SIZES[size]
    torch.manual_seed(seed)
    narrow = {"widths": (8, 16), "encoder_blocks": (1, 1), "condition": 6, "latent": LATENT}
    shape = Architecture(height=height, width=width, channels=channels, **{**narrow, **KINDS[kind], **changes})
    return Autoencoder(shape)


def batch(kind: str, size: str, count: int = 8) -> tuple[torch.Tensor, torch.Tensor | None]:
    x = torch.rand(count, *SIZES[size], generator=torch.Generator().manual_seed(1)).round()
    return x, torch.arange(count) % 4 if "cvae" in kind else None


def stirred(model: Autoencoder) -> Autoencoder:
    """As if trained: the residual branches, zero at the start, count."""
    for block in model.modules():
        if isinstance(norm2 := getattr(block, "norm2", None), nn.BatchNorm2d):
            nn.init.ones_(norm2.weight)
    return model.eval()


def moved(count: int, size: str) -> torch.Tensor:
    """Homographies of turned pictures, half of them mirrored."""
    random = KeyedDraws(fold_in(0, torch.arange(count)))
    _, *sides = SIZES[size]
    return Rotate().homography((sides[0], sides[1]), random) @ Flip(probability=0.5).homography((1, 1), random)


@every_kind
@every_size
def test_shapes_are_those_of_the_picture_and_the_code(kind, size):
    model, (x, y) = build(kind, size), batch(kind, size)
    output = model(x, y)
    assert output.logits.shape == x.shape
    assert output.mu.shape == (8, LATENT)
    assert (output.logvar is None) == (kind == "ae")
    assert (output.pose is not None) == ("posed" in kind)
    assert model.decode(torch.zeros(3, LATENT), None if y is None else y[:3]).shape == (3, *SIZES[size])


@every_kind
@every_size
@torch.no_grad()
def test_the_output_depends_on_the_input_through_the_code_alone(kind, size):
    model, (x, y) = stirred(build(kind, size)), batch(kind, size)
    output = model(x, y)
    assert torch.equal(model.decode(model.posterior(x, y)[0], y), output.logits)
    assert not torch.allclose(output.logits, model(1 - x, y).logits)
    codes = []
    with model.encoder.register_forward_hook(lambda *call: codes.append(call[-1])):
        model(x, y)
    with model.encoder.register_forward_hook(lambda *_: codes[0]):
        assert torch.equal(model(1 - x, y).logits, output.logits)


@every_kind
@every_size
@torch.no_grad()
def test_a_picture_does_not_depend_on_its_batch(kind, size):
    model, (x, y) = stirred(build(kind, size)), batch(kind, size)
    whole = model(x, y)
    part = model(x[2:3], None if y is None else y[2:3])
    torch.testing.assert_close(part.logits, whole.logits[2:3], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(part.mu, whole.mu[2:3], atol=1e-4, rtol=1e-4)


@every_kind
@every_size
def test_every_parameter_learns(kind, size):
    model, (x, y) = stirred(build(kind, size)).train(), batch(kind, size)
    output = model(x, y, torch.Generator().manual_seed(2))
    loss = negative_elbo(output, x, 1.0, 10.0)
    if output.pose is not None:
        loss = loss.with_pose(pose_error(output.pose, moved(len(x), size)), 1.0)
    loss.total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@every_kind
@every_size
def test_eight_pictures_can_be_overfitted(kind, size):
    model, (x, y) = build(kind, size), batch(kind, size)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.02)
    generator = torch.Generator().manual_seed(3)
    losses = []
    for _ in range(50):
        loss = negative_elbo(model(x, y, generator), x, beta=0.001, ssim_weight=0)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(loss.reconstruction.item())
    assert losses[-1] < 0.25 * losses[0]  # binary pictures: it could fall to 0


@pytest.mark.parametrize("kind", ["vae", "cvae"])
@torch.no_grad()
def test_a_generator_draws_from_the_posterior_and_none_takes_its_mean(kind):
    model, (x, y) = stirred(build(kind, "8x8")), batch(kind, "8x8")
    mean, again = model(x, y), model(x, y)
    assert torch.equal(mean.logits, again.logits)
    drawn, repeated, other = (model(x, y, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5))
    assert torch.equal(drawn.mu, mean.mu)
    assert torch.equal(drawn.logits, repeated.logits)
    assert not torch.allclose(drawn.logits, other.logits)
    assert not torch.allclose(drawn.logits, mean.logits)


@torch.no_grad()
def test_an_autoencoder_draws_nothing():
    model, (x, _) = stirred(build("ae", "8x8")), batch("ae", "8x8")
    assert torch.equal(model(x).logits, model(x, None, torch.Generator().manual_seed(6)).logits)
    with pytest.raises(ValueError, match="only a variational model"):
        model.sample_codes(None, 1, torch.Generator())


@pytest.mark.parametrize(("kind", "label"), [("vae", None), ("cvae", 3)])
def test_a_model_whose_prior_is_not_fitted_draws_from_the_standard_normal(kind, label):
    codes = build(kind, "8x8").sample_codes(label, 4_000, torch.Generator().manual_seed(7))
    assert codes.shape == (4_000, LATENT)
    assert codes.mean(0).abs().max() < 0.08
    torch.testing.assert_close(codes.T.cov(), torch.eye(LATENT), atol=0.12, rtol=0)


@torch.no_grad()
def test_the_label_changes_what_a_cvae_encodes_and_decodes():
    model, (x, y) = stirred(build("cvae", "28x28")), batch("cvae", "28x28")
    other = (y + 1) % 4
    assert not torch.allclose(model.posterior(x, y)[0], model.posterior(x, other)[0])
    z = torch.zeros(8, LATENT)
    assert (model.decode(z, y) - model.decode(z, other)).abs().flatten(1).max(1).values.min() > 1e-3
    assert torch.equal(model.decode(z, y)[0], model.decode(z, y)[4])  # the same code and label, the same picture


def test_a_missing_label_raises():
    model, (x, _) = build("cvae", "8x8"), batch("cvae", "8x8")
    for call in (lambda: model(x), lambda: model.posterior(x), lambda: model.decode(torch.zeros(1, LATENT))):
        with pytest.raises(ValueError, match="needs labels"):
            call()


def test_the_logarithm_of_the_variance_is_kept_within_float32():
    model, (x, _) = build("vae", "8x8"), batch("vae", "8x8")
    for extreme in (-1e6, 1e6):
        with torch.no_grad():
            model.encoder.head.bias.fill_(extreme)
        logvar = model.posterior(x)[1]
        assert (logvar.exp() > 0).all()
        assert logvar.exp().isfinite().all()


@every_size
def test_the_coarsest_stage_covers_the_picture(size):
    shape = build("ae", size).config
    rows, columns = coarse_size(shape)
    assert 0 <= rows * 4 - shape.height < 4
    assert 0 <= columns * 4 - shape.width < 4


def test_weights_are_the_same_for_the_same_seed_and_fit_the_same_architecture():
    first, again, other = build("cvae", "8x8", 0), build("cvae", "8x8", 0), build("cvae", "8x8", 1)
    x, y = batch("cvae", "8x8")
    assert torch.equal(first.eval()(x, y).logits, again.eval()(x, y).logits)
    assert not torch.equal(first(x, y).logits, other.eval()(x, y).logits)
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(x, y).logits, other(x, y).logits)


def test_three_stages_work_as_two_do():
    model = build("vae", "30x27", widths=(4, 8, 8), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1, 1))
    x, _ = batch("vae", "30x27")
    assert model(x).logits.shape == x.shape


@pytest.mark.parametrize(
    ("height", "width", "stages"),
    [(28, 28, 2), (8, 8, 2), (32, 20, 2), (33, 10, 3), (64, 64, 3), (100, 128, 4), (256, 7, 5)],
)
def test_a_network_is_as_deep_as_its_pictures_are_large(height, width, stages):
    widths = widths_for(height, width)
    assert len(widths) == stages
    assert widths[:2] == (32, 64)
    assert max(widths) <= 128
    rows, columns = coarse_size(Architecture(height, width, widths=widths))
    assert max(rows, columns) <= 8


@torch.no_grad()
def test_the_largest_pictures_go_through():
    widths = widths_for(256, 250)
    blocks = (1,) * len(widths)
    model = Autoencoder(Architecture(256, 250, widths=widths, encoder_blocks=blocks, decoder_blocks=blocks, pose=True))
    assert model.eval()(torch.rand(1, 1, 256, 250)).logits.shape == (1, 1, 256, 250)
