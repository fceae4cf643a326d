"""The altered MNIST task, with unalter: AE, VAE and CVAE from Data/clean and Data/aug.

    python 2021055A3.py

Data/ is looked for in the working folder, beside this file, and in the folder above. Each model is trained for 50
epochs, with checkpoints and 3D t-SNE plots of all codes every 10, and digits of every class are generated at the end;
called again it goes on where it was. All of it appears in the working folder: run-ae/, run-vae/, run-cvae/, generated/,
and the plots as soon as they are drawn. VAE_epoch_N.png shows sampled codes, VAE_means_epoch_N.png their means.

The names that the task's main.py asks for are here as well, and the constants of the package EncDec count where this
file lies in it. The trainers train when they are made. They take the two folders themselves, since most altered digits
have no clean one and a loader of pairs would lose them, and networks and optimisers of their own; the encoder and
decoder that were given then hold the trained weights.
"""

import shutil
import sys
import warnings
from importlib import import_module
from pathlib import Path

import torch

import unalter
from unalter.data.dataset import read_dataset
from unalter.data.given import as_picture
from unalter.data.sources import SUFFIXES
from unalter.images.convert import to_float
from unalter.images.metrics import psnr, ssim
from unalter.images.sheet import write_picture
from unalter.nn import Architecture, DecoderHalf, EncoderHalf, Output, negative_elbo, new_model
from unalter.pairing.names import pair_by_name
from unalter.support.errors import Interrupted
from unalter.support.files import unused_name
from unalter.training.options import TrainOptions

HERE = Path(__file__).absolute().parent
OPTIONS = {"epochs": 50, "map_every": 10, "seed": 0}
CONSTANTS = {"EPOCH": "epochs", "BATCH_SIZE": "batch_size", "LEARNING_RATE": "learning_rate"}
EACH = 10  # digits of a class, where this file is run by itself


def main():
    for trainer in (AETrainer, VAETrainer, CVAE_Trainer):
        trainer(None, None, None, None, None, gpu="T")
    generator = CVAE_Generator()
    out = working_folder() / "generated"
    for digit in range(generator.model.classes):
        if not generator.model.has_prior(digit):
            print(f"digit {digit}: none are generated, there are too few clean pictures of it", file=sys.stderr)
            continue
        while len(list(out.glob(f"{digit}*.png"))) < EACH:
            generator.save_image(digit, out)


def train(name, gpu, encoder, decoder):
    """Train a model in a folder of its own, or go on, and print as main.py does; the networks then hold it."""
    run = run_folder(name)

    def show_plots(*_):
        for plot in (run / name / "maps").glob("*.png"):
            shutil.copy(plot, working_folder() / shown_as(plot.name))

    unalter.train(
        data_folder(), out=run, resume=(run / "config.yaml").exists(), models=(name,), device=device_for(gpu),
        on_step=tell_step, on_epoch=tell_epoch, on_map=show_plots, **options(),
    )  # fmt: skip
    show_plots()  # those of a call that was killed before it could
    trained = unalter.load(run, device="cpu").network
    for half in (encoder, decoder):
        if half is not None:
            half.hold(trained)


def shown_as(plot):
    """The task's plots of VAE and CVAE are of sampled codes: the name of a plot in the working folder."""
    if "_sampled_" in plot:
        return plot.replace("_sampled_", "_")
    return plot if plot.startswith("AE_") else plot.replace("_epoch_", "_means_epoch_")


def tell_step(_, now):
    minibatch, means = now.step - 1, now.means
    if minibatch % 10 == 0:
        tell(f">>>>> Epoch:{now.epoch + 1}, Minibatch:{minibatch}", means["total"], means["ssim"])


def tell_epoch(_, now):
    last = now.history[-1]
    tell(f"----- Epoch:{last['epoch']}", last["loss"], last["ssim"])


def tell(where, loss, similarity):
    print(f"{where}, Loss:{loss}, Similarity:{similarity}", flush=True)


def constants():
    """The package that this file lies in, or the one called EncDec; None where there is neither."""
    name = "EncDec"
    if (HERE / "__init__.py").is_file():
        name = HERE.name
        if str(HERE.parent) not in sys.path:
            sys.path.append(str(HERE.parent))
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def options():
    """Those of above, but for what the package says."""
    package = constants()
    said = {option: getattr(package, name) for name, option in CONSTANTS.items() if hasattr(package, name)}
    TrainOptions.from_values(said, f"{', '.join(CONSTANTS)} of {getattr(package, '__file__', 'no package')}")
    return OPTIONS | said


def working_folder():
    """Where everything appears: SAVEPATH of the package, else where the program was started."""
    return Path(getattr(constants(), "SAVEPATH", None) or Path.cwd()).absolute()


def run_folder(name):
    return working_folder() / f"run-{name}"


def data_folder():
    """The first folder Data/ of the working folder, this file's, and the one above."""
    places = [folder / "Data" for folder in dict.fromkeys((Path.cwd(), HERE, HERE.parent))]
    for place in places:
        if place.is_dir():
            return place
    raise unalter.InputError(
        f"no data: there is none of {', '.join(map(str, places))}; put the course's data set there, as Data/clean "
        "and Data/aug"
    )


def device_for(gpu):
    """main.py says "T" or "F"; with "T" the CPU is taken all the same where there is no GPU."""
    said = str(gpu).strip().upper()
    if said not in ("T", "TRUE", "F", "FALSE"):
        raise unalter.InputError(f'gpu is {gpu!r}; it must be "T" or "F", or True or False')
    return "auto" if said.startswith("T") else "cpu"


class AlteredMNIST(torch.utils.data.Dataset):
    """The pairs whose names belong together: (altered, clean), float32 [1, 28, 28] in 0..1 each."""

    def __init__(self):
        self.dataset = read_dataset(data_folder())
        self.pairs = pair_by_name(self.dataset)

    def __len__(self):
        return len(self.pairs.altered)

    def __getitem__(self, i):
        row = self.pairs.altered[i]
        both = self.dataset.altered.images[row], self.dataset.clean.images[self.pairs.clean[row]]
        return tuple(to_float(picture) for picture in both)


class Encoder(EncoderHalf):
    """[B, 1, 28, 28] in 0..1 -> codes [B, 64, 1, 1]; untrained until a trainer has it hold its weights."""

    def __init__(self):
        super().__init__(new_model(Architecture(28, 28, pose=True), seed=0))


class Decoder(DecoderHalf):
    """Codes [B, 64, 1, 1] -> [B, 1, 28, 28] in 0..1."""

    def __init__(self):
        super().__init__(new_model(Architecture(28, 28, pose=True), seed=0))


def ParameterSelector(*networks):
    """What an optimiser is made for: the parameters of an encoder and a decoder, of new ones where none are given."""
    return [parameter for network in networks or (Encoder(), Decoder()) for parameter in network.parameters()]


class AELossFn:
    """What the AE is trained with: cross-entropy summed over pixels, mean over the batch, and a term for SSIM."""

    def __call__(self, x_hat, x):
        """Of pictures [B, 1, 28, 28] in 0..1, as the decoder makes them, and clean ones."""
        return loss(x_hat, x)


class VAELossFn:
    """What VAE and CVAE are trained with: that of the AE, and beta times the KL divergence from N(0, I)."""

    def __call__(self, x_hat, x, mu, logvar):
        """Of pictures as for the AE, and means and logarithms of variances [B, 64], as `Encoder.posterior` has them."""
        return loss(x_hat, x, mu, logvar)


class CVAELossFn(VAELossFn):
    pass


def loss(x_hat, x, mu=None, logvar=None):
    usual = TrainOptions()
    return negative_elbo(Output(x_hat.logit(1e-6), mu, logvar), x, usual.beta, usual.ssim_weight).total


class AETrainer:
    name = "ae"

    def __init__(self, data, encoder, decoder, loss, optimizer, gpu=False):
        train(self.name, gpu, encoder, decoder)


class VAETrainer(AETrainer):
    name = "vae"


class CVAE_Trainer(AETrainer):
    name = "cvae"

    def __init__(self, data, encoder, decoder, loss, optimizer, gpu=True):
        warn_of_one_class()
        super().__init__(data, encoder, decoder, loss, optimizer, gpu)


def warn_of_one_class():
    clean = read_dataset(data_folder()).clean
    if len(set(clean.labels.tolist())) == 1:
        name = clean.label_names[clean.labels[0]]
        warnings.warn(f"all clean pictures are of class {name}: the CVAE learns nothing from the label", stacklevel=3)


class AE_TRAINED:
    name = "ae"

    def __init__(self, gpu=False):
        self.model = unalter.load(run_folder(self.name), device=device_for(gpu))

    def from_path(self, sample, original, type="SSIM"):
        """SSIM or PSNR of what the model makes of a sample, against the original; both as `as_picture` takes them."""
        measures = {"SSIM": ssim, "PSNR": psnr}
        if str(type).upper() not in measures:
            raise unalter.InputError(f"type is {type!r}; it must be SSIM or PSNR")
        x_alt, x = as_picture(sample), as_picture(original)
        x_hat = self.model.denoise(x_alt)
        return float(measures[type.upper()](x_hat[None].double(), x[None].double()))


class VAE_TRAINED(AE_TRAINED):
    name = "vae"


class CVAE_Generator:
    def __init__(self):
        self.model = unalter.load(run_folder("cvae"))

    def save_image(self, digit, save_path):
        """Write one more picture of a digit into a folder, or a PNG file; a name that is taken gets a number."""
        path = Path(save_path)
        if path.is_dir() or path.suffix.lower() not in SUFFIXES:
            path = path / f"{digit}.png"
        elif path.suffix.lower() != ".png":
            raise unalter.InputError(f"{path}: pictures are written as PNG; give a folder, or a name that ends in .png")
        write_picture(unused_name(path), self.model.generate(digit, 1)[0])


def peak_signal_to_noise_ratio(img1, img2):
    """Of tensors [1, H, W], range 255."""
    return of_range_255(psnr, img1, img2)


def structure_similarity_index(img1, img2):
    """Of tensors [1, H, W], range 255."""
    return of_range_255(ssim, img1, img2)


def of_range_255(measure, *pictures):
    for picture in pictures:
        if picture.ndim != 3 or len(picture) != 1:
            raise unalter.InputError(f"expected a picture of shape [1, H, W], got {list(picture.shape)}")
    return float(measure(*(picture[None].double() / 255 for picture in pictures)))


if __name__ == "__main__":
    try:
        main()
    except unalter.InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Interrupted:
        print("stopped and saved; call it again to go on", file=sys.stderr)
        sys.exit(130)
