"""The altered MNIST task, with unalter: AE, VAE and CVAE from Data/clean and Data/aug, the folders beside this file.

    python 2021055A3.py

Each model is trained for 50 epochs, with 3D t-SNE plots of all codes every 10, checkpoints, and digits of every class
at the end; called again it goes on where it was. All is in run-ae/, run-vae/ and run-cvae/, the plots lie here too.

The names that the task's main.py asks for are here as well. Its trainers train when they are made. They take the two
folders themselves, since most altered digits have no clean one and a loader of pairs would lose them, and their own
networks and optimisers; what main.py makes of these is passed over.
"""

import shutil
from pathlib import Path

import numpy as np
import torch

import unalter
from unalter.data.dataset import read_dataset
from unalter.data.decode import read_picture
from unalter.images.metrics import psnr, ssim
from unalter.images.sheet import write_picture
from unalter.nn import Architecture, negative_elbo
from unalter.nn import autoencoder as nets
from unalter.pairing.names import pair_by_name
from unalter.training.options import TrainOptions

HERE = Path(__file__).parent
OPTIONS = {"epochs": 50, "map_every": 10, "seed": 0}


def main():
    for name in ("ae", "vae", "cvae"):
        train(name, device="auto")
    generator = CVAE_Generator()
    for digit in range(10):
        for _ in range(10):
            generator.save_image(digit, HERE / "generated")


def train(name, device):
    """Train a model in a folder of its own, print as main.py does, and copy the plots here."""
    out = HERE / f"run-{name}"
    run = unalter.train(
        HERE / "Data", out=out, resume=out.exists(), models=(name,), device=device, on_step=tell_step,
        on_epoch=tell_epoch, **OPTIONS,
    )  # fmt: skip
    for plot in sorted((run.path / name / "maps").glob("*.png")):
        shutil.copy(plot, HERE)


def tell_step(_, now):
    if now.step % 10 == 0:
        means = now.means
        print(f">>>>> Epoch:{now.epoch + 1}, Minibatch:{now.step}, Loss:{means['total']}, Similarity:{means['ssim']}")


def tell_epoch(_, now):
    last = now.history[-1]
    print(f"----- Epoch:{last['epoch']}, Loss:{last['loss']}, Similarity:{last['ssim']}")


class AlteredMNIST(torch.utils.data.Dataset):
    """The pairs whose names belong together: (altered, clean), float32 [1, 28, 28] each."""

    def __init__(self):
        self.dataset = read_dataset(HERE / "Data")
        self.pairs = pair_by_name(self.dataset)

    def __len__(self):
        return len(self.pairs.altered)

    def __getitem__(self, i):
        row = self.pairs.altered[i]
        both = self.dataset.altered.images[row], self.dataset.clean.images[self.pairs.clean[row]]
        return tuple(torch.tensor(picture / np.float32(255)) for picture in both)


class Encoder(nets.Encoder):
    def __init__(self):
        shape = Architecture(28, 28)
        super().__init__(shape, shape.latent)


class Decoder(nets.Decoder):
    def __init__(self):
        super().__init__(Architecture(28, 28))


def ParameterSelector(encoder, decoder):
    return [*encoder.parameters(), *decoder.parameters()]


class AELossFn:
    """The negative evidence lower bound, which for an AE is the cross-entropy, with a term for SSIM."""

    def __call__(self, output, x):
        usual = TrainOptions()
        return negative_elbo(output, x, usual.beta, usual.ssim_weight).total


class VAELossFn(AELossFn):
    pass


class CVAELossFn(AELossFn):
    pass


class AETrainer:
    name = "ae"

    def __init__(self, data, encoder, decoder, loss, optimizer, gpu=False):
        train(self.name, device="auto" if gpu else "cpu")


class VAETrainer(AETrainer):
    name = "vae"


class CVAE_Trainer(AETrainer):
    name = "cvae"


class AE_TRAINED:
    name = "ae"

    def __init__(self, gpu=False):
        self.model = unalter.load(HERE / f"run-{self.name}", device="auto" if gpu else "cpu")

    def from_path(self, sample, original, type="SSIM"):
        """SSIM or PSNR of what the model makes of a sample, against the original; paths or tensors [1, H, W]."""
        x_alt, x = (picture_of(given) for given in (sample, original))
        x_hat = self.model.denoise(x_alt)
        return float({"SSIM": ssim, "PSNR": psnr}[type](x_hat[None], x[None]))


class VAE_TRAINED(AE_TRAINED):
    name = "vae"


class CVAE_Generator:
    def __init__(self):
        self.model = unalter.load(HERE / "run-cvae")

    def save_image(self, digit, save_path):
        """Write one more picture of a digit into a folder."""
        number = len(list(Path(save_path).glob(f"{digit}_*.png")))
        write_picture(Path(save_path) / f"{digit}_{number:02d}.png", self.model.generate(digit, 1)[0])


def picture_of(given):
    """A path or a tensor [1, H, W] as float32 [1, H, W] in 0..1."""
    if isinstance(given, torch.Tensor):
        return given.float() / (255 if given.dtype == torch.uint8 else 1)
    return torch.tensor(read_picture(given) / np.float32(255))[None]


if __name__ == "__main__":
    main()
