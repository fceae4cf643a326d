import pytest
import torch

from unalter.nn import Architecture, DecoderHalf, EncoderHalf, new_model

SHAPE = {"height": 10, "width": 9, "latent": 6, "widths": (8, 8)}
AE = Architecture(**SHAPE)
VAE = Architecture(**SHAPE, variational=True, pose=True)
CVAE = Architecture(**SHAPE, variational=True, classes=3)
OBEDIENT = Architecture(**SHAPE, variational=True, classes=3, obedient=True)
X = torch.rand(4, 1, 10, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("config", [AE, VAE, CVAE, OBEDIENT])
def test_one_after_the_other_they_are_the_network(config):
    network = new_model(config, 1).eval()
    encoder, decoder = EncoderHalf(new_model(AE, 0)), DecoderHalf(new_model(AE, 0))
    for half in (encoder, decoder):
        half.hold(network)
    y = torch.tensor([0, 2, 1, 1]) if config.classes else None
    z = encoder(X, y)
    assert z.shape == (4, 6, 1, 1)
    torch.testing.assert_close(decoder(z, y), network(X, y).logits.sigmoid())


@pytest.mark.parametrize("config", [AE, VAE])
def test_together_they_have_the_networks_weights_once(config):
    network = new_model(config, 1)
    halves = [*EncoderHalf(network).parameters(), *DecoderHalf(network).parameters()]
    of_network = [*network.encoder.parameters(), *network.decoder.parameters()]
    assert sum(map(torch.numel, halves)) == sum(map(torch.numel, of_network))
    assert not any(one is other for one in halves for other in of_network)


@pytest.mark.parametrize("config", [CVAE, OBEDIENT])
def test_without_labels_a_cvae_gives_pictures_all_the_same(config):
    network = new_model(config, 1)
    if config.obedient:
        network(X, torch.tensor([0, 0, 1, 2]))  # so that there are means of classes
    network.eval()
    x_hat = DecoderHalf(network)(EncoderHalf(network)(X))
    assert x_hat.shape == X.shape and x_hat.min() >= 0 and x_hat.max() <= 1
    with torch.no_grad():  # where all classes are one, it makes no difference that none is told
        network.embedding.weight[:] = network.embedding.weight[0]
        if network.centring is not None:
            network.centring.sums[:], network.centring.counts[:] = network.centring.means.mean(0), 1
    alike = DecoderHalf(network)(EncoderHalf(network)(X))
    torch.testing.assert_close(alike, network(X, torch.zeros(4, dtype=torch.long)).logits.sigmoid())
