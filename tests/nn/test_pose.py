import math

import numpy as np
import pytest
import torch

from unalter.alter import Flip, KeyedDraws, Perspective, Rotate, fold_in
from unalter.alter.geometric import sample
from unalter.data.digits import load_digits
from unalter.nn.pose import Pose, PoseNet, pose_error

TURNS, MODES = 16, 32
NOT_MOVED = MODES
N = MODES  # a picture of every mode
MODE = torch.arange(N)
DIGITS = torch.from_numpy(load_digits("test")[0][:N, None]).float() / 255


def spots(size: tuple[int, int]) -> torch.Tensor:
    """Four bright spots of their own for each picture, on black and near the middle: [N, 1, H, W]."""
    height, width = size
    places = 0.9 * torch.rand(N, 4, 2, 1, 1, generator=torch.Generator().manual_seed(0)) - 0.45
    v, u = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.exp(-20 * ((u - places[:, :, 0]) ** 2 + (v - places[:, :, 1]) ** 2)).sum(1, keepdim=True).clamp(max=1)


def answer(mode: torch.Tensor, rest: torch.Tensor | None = None, centre: torch.Tensor | None = None) -> Pose:
    """What a network says that is sure of a mode [N], and of what is left of the pose [N, 6] if it is of that mode."""
    logits = torch.full((len(mode), MODES + 1), -50.0)
    logits[torch.arange(len(mode)), mode] = 50.0
    rests = torch.zeros(len(mode), MODES, 6)
    if rest is not None:
        rests[torch.arange(len(mode)), mode] = rest
    return Pose(logits, rests, torch.zeros(len(mode), 2) if centre is None else centre)


def some_rest() -> torch.Tensor:
    """A little skewed, shrunk, shifted, and turned by less than half a step."""
    change = torch.rand(N, 6, generator=torch.Generator().manual_seed(1)) - 0.5
    return torch.tensor([0.85, 0, 0, 0.85, 0, 0]) + 0.15 * change


def some_centre() -> torch.Tensor:
    return 0.2 * torch.rand(N, 2, generator=torch.Generator().manual_seed(2)) - 0.1


def homographies(mode: torch.Tensor, rest: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """From altered to clean places, [N, 3, 3], of the pose that is told by mode, rest and centre."""
    angle = (mode // 2) * (2 * math.pi / TURNS)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], -1).reshape(-1, 2, 2)
    mirror = torch.diag_embed(torch.stack([1 - 2.0 * (mode % 2), torch.ones(len(mode))], -1))
    to_altered = torch.eye(3).repeat(len(mode), 1, 1)
    to_altered[:, :2, :2] = turn @ rest[:, :4].reshape(-1, 2, 2) @ mirror
    to_altered[:, :2, 2] = centre + (turn @ rest[:, 4:, None])[..., 0]
    return torch.linalg.inv(to_altered)


TRUE = homographies(MODE, some_rest(), some_centre())


def stirred(condition: int = 0) -> PoseNet:
    """As if trained: the residual branches, zero at the start, count."""
    torch.manual_seed(0)
    net = PoseNet(condition)
    for block in (net.fine, net.coarse):
        torch.nn.init.ones_(block.norm2.weight)
    return net.eval()


def test_the_true_pose_has_no_error():
    assert pose_error(answer(MODE, some_rest(), some_centre()), TRUE) < 1e-4


def test_a_picture_that_did_not_move_is_of_a_mode_of_its_own_and_has_no_rest():
    still = torch.eye(3).expand(N, 3, 3)
    assert pose_error(answer(torch.full((N,), NOT_MOVED)), still) < 1e-4
    assert pose_error(answer(torch.zeros(N, dtype=torch.int64), torch.rand(N, 6)), still) > 90


def test_the_error_of_the_rest_is_twice_the_sum_of_what_it_is_off_averaged_over_what_moved():
    off = torch.rand(N, 6, generator=torch.Generator().manual_seed(3)) - 0.5
    error = pose_error(answer(MODE, some_rest() + off, some_centre()), TRUE)
    torch.testing.assert_close(error, 2 * off.abs().sum(1).mean(), atol=1e-3, rtol=1e-3)
    half = torch.where((MODE < N // 2)[:, None, None], TRUE, torch.eye(3))
    mode = torch.where(MODE < N // 2, MODE, NOT_MOVED)
    said = answer(MODE, some_rest() + off, some_centre())._replace(logits=answer(mode).logits)
    torch.testing.assert_close(pose_error(said, half), 2 * off[: N // 2].abs().sum(1).mean(), atol=1e-3, rtol=1e-3)


def test_the_error_of_the_mode_is_a_cross_entropy():
    unsure = answer(MODE, some_rest(), some_centre())._replace(logits=torch.zeros(N, MODES + 1))
    torch.testing.assert_close(pose_error(unsure, TRUE), torch.tensor(math.log(MODES + 1)), atol=1e-3, rtol=0)
    mirrored = answer(MODE, some_rest(), some_centre())._replace(logits=answer(MODE ^ 1).logits)
    assert pose_error(mirrored, TRUE) > 90


def test_turns_and_flips_have_the_modes_of_their_names():
    """Anticlockwise by quarters is four turns less; a mirrored picture is of an odd mode."""
    for quarters in range(4):
        for flipped in (0, 1):
            one = KeyedDraws(fold_in(0, torch.arange(1)))
            homography = Rotate(degrees=(90.0 * quarters, 90.0 * quarters)).homography((28, 28), one)
            # the picture is flipped first, then turned
            homography = (Flip().homography((28, 28), one) @ homography) if flipped else homography
            mode = torch.tensor([2 * (-4 * quarters % TURNS) + flipped])
            if quarters or flipped:
                said = answer(mode, torch.tensor([[1.0, 0, 0, 1, 0, 0]]))
                assert pose_error(said, homography) < 1e-4, (quarters, flipped)


def test_a_keystone_is_of_turn_0_and_its_rest_a_little_smaller():
    random = KeyedDraws(fold_in(0, torch.arange(N)))
    keystone = Perspective(distortion=0.3).homography((28, 28), random)
    smaller, whole = (torch.tensor([size, 0, 0, size, 0, 0]).expand(N, 6) for size in (0.85, 1.0))
    turn = torch.zeros(N, dtype=torch.int64)
    assert pose_error(answer(turn, smaller), keystone) < pose_error(answer(turn, whole), keystone) < 2


@pytest.mark.parametrize("size", [(28, 28), (24, 40)], ids=str)
def test_with_its_true_pose_a_picture_is_put_upright(size):
    clean = spots(size)
    altered = sample(clean, TRUE)
    upright = PoseNet().upright(altered, answer(MODE, some_rest(), some_centre()), MODE)
    assert (upright - clean).abs().mean() < 0.1 * (altered - clean).abs().mean()
    assert (upright - clean).abs().max() < 0.2


def test_what_did_not_move_is_left_as_it_is():
    mode = torch.full((N,), NOT_MOVED)
    pose = answer(MODE, some_rest(), some_centre())
    torch.testing.assert_close(PoseNet().upright(DIGITS, pose, mode), DIGITS, atol=1e-5, rtol=0)


def ramps(size: int) -> torch.Tensor:
    """Pictures whose pixels say where they lie, across and down in pixels, and that they are there: [N, 3, H, W]."""
    v, u = torch.meshgrid(torch.arange(size).double(), torch.arange(size).double(), indexing="ij")
    return torch.stack([u, v, torch.ones_like(u)]).expand(N, 3, size, size)


@pytest.mark.parametrize("size", [28, 256])
def test_a_picture_is_put_upright_as_exactly_under_autocast(size):
    pose = answer(MODE, some_rest(), some_centre())
    exact = PoseNet().double().upright(ramps(size), Pose(*(part.double() for part in pose)), MODE)
    with torch.autocast("cpu", torch.bfloat16):
        upright = PoseNet().upright(ramps(size).float(), pose, MODE)
    inside = exact[:, 2] > 1 - 1e-9
    assert inside.double().mean() > 0.3
    assert (upright - exact).abs().amax(1)[inside].max() < 0.01


@torch.no_grad()
def test_a_pose_found_under_autocast_is_not_rounded():
    with torch.autocast("cpu", torch.bfloat16):
        pose = stirred()(DIGITS)
        error = pose_error(pose, TRUE)
    assert {part.dtype for part in pose} == {torch.float32}
    assert (pose.rest != pose.rest.bfloat16()).float().mean() > 0.9
    assert torch.equal(error, pose_error(pose, TRUE))


@pytest.mark.parametrize("condition", [0, 6])
@torch.no_grad()
def test_a_picture_turned_by_quarters_has_the_answers_turned_around(condition):
    net = stirred(condition)
    label = torch.rand(N, condition, generator=torch.Generator().manual_seed(5)) if condition else None
    before = net(DIGITS, label)
    assert before.logits[:, :MODES:2].std(1).min() > 1e-3  # turns are told apart
    for quarters in range(1, 4):
        turned = torch.from_numpy(np.rot90(DIGITS.numpy(), quarters, (2, 3)).copy())
        after = net(turned, label)
        shift = -2 * 4 * quarters  # two modes a turn, four of 16 turns a quarter, anticlockwise
        torch.testing.assert_close(after.logits[:, :MODES], before.logits[:, :MODES].roll(shift, 1), atol=1e-3, rtol=0)
        torch.testing.assert_close(after.logits[:, NOT_MOVED], before.logits[:, NOT_MOVED], atol=1e-3, rtol=0)
        torch.testing.assert_close(after.rest, before.rest.roll(shift, 1), atol=1e-3, rtol=0)
        torch.testing.assert_close(after.centre.norm(dim=1), before.centre.norm(dim=1))


def test_poses_of_a_few_pictures_can_be_learned_by_heart():
    torch.manual_seed(0)
    net = PoseNet()
    x_alt = sample(DIGITS, TRUE)
    optimizer = torch.optim.AdamW(net.parameters(), 0.005)
    errors = []
    for _ in range(60):
        error = pose_error(net(x_alt), TRUE)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.25 * errors[0]
